"""Reporting: areas' shares that moved faster than chance."""

from __future__ import annotations

import numpy as np
from tests.trust import real
from tests.trust.records import DAY, record

from passerelle.trust.check import FeedMark
from passerelle.trust.checks.reporting import judge_feed


def areas(growth: list[float], seed: int) -> list[FeedMark]:
    """Two years of daily reports of areas, whose rate of one a day grows by a factor in the second year."""
    generator = np.random.default_rng(seed)
    places = []
    for number, factor in enumerate(growth):
        counts = generator.poisson(np.repeat([1.0, factor], 365)).astype(np.float64)
        places.append(record(counts, step=DAY, quantity="reports_opened", place=str(number)))
    return judge_feed(real.feed_of(places))


def test_growth_that_all_share_is_quiet() -> None:
    """Thrice as many reports everywhere, ten times: shares move by chance alone."""
    assert [areas([3.0] * 10, seed) for seed in range(10)] == [[]] * 10


def test_an_area_that_took_to_an_app_is_told() -> None:
    """One of ten grows sixfold: its share goes from 10 % to 6 / 15 = 40 %, so that 30 % moved."""
    (found,) = areas([6.0] + [1.0] * 9, 1)
    assert abs(found.mark.evidence["share_that_moved"] - 0.3) < 0.03
    assert len(found.series or ()) == 10


def test_few_reports_say_nothing() -> None:
    """Under 200 a year there is no telling."""
    assert areas([0.05, 0.3, 0.05], 1) == []
