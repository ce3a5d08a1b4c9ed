"""Augmented synthetic control counts from each unit's level, and mends no more than other times bear out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from passerelle.lab.estimators.augmented import choose_penalty, contrast_asc, estimate_asc
from passerelle.lab.panel import panel
from passerelle.lab.question import Question
from passerelle.lab.weights.synthetic import Setting, read_setting

from .references import read_geolift, read_proposition_99


def test_geolift(shared_data: Path) -> None:
    """155.556 a city and day, 4,666.7 in all over two cities and 15 days; mended with the largest penalty 156.805."""
    known = read_geolift(shared_data)
    found = estimate_asc(known, Question())
    assert found.effect == pytest.approx(155.556, abs=0.01)
    assert found.effect * 2 * 15 == pytest.approx(4666.7, abs=0.5)
    setting = read_setting(known, Question(), "asc")
    mended = contrast_asc(setting, setting.shares, penalty=1.0)
    assert mended.effects(setting)[0] == pytest.approx(156.805, abs=0.05)


def test_proposition_99_from_levels(shared_data: Path) -> None:
    """With a unit effect and no mending: the synthdid paper's DIFP, -11.1."""
    assert estimate_asc(read_proposition_99(shared_data), Question()).effect == pytest.approx(-11.1, abs=0.05)


def outside(seed: int) -> Setting:
    """A treated unit that swings three times as far as any other: no mixture of them does."""
    random = np.random.default_rng(seed)
    factor = np.cumsum(random.normal(size=60))
    loads = np.concatenate([[3.0], random.uniform(0.5, 1, 9)])
    outcomes = loads[:, None] * factor + random.normal(0, 0.1, (10, 60))
    return Setting(tuple(map(str, range(10))), outcomes[:, :50], outcomes[:, 50:], np.arange(10) == 0)


def test_a_unit_beyond_all_others_is_mended() -> None:
    """Where no weights on the simplex fit, the ridge does, and leaving out times shows that it should."""
    setting = outside(3)
    penalty = choose_penalty(setting)
    assert np.isfinite(penalty)
    gaps = [
        np.abs(contrast_asc(setting, setting.shares, penalty=one).gaps(setting.before)).mean()
        for one in (np.inf, penalty)
    ]
    assert gaps[1] < gaps[0] / 5


def test_mended_weights_sum_to_one_and_leave_the_group_out() -> None:
    """Of every group, however much is mended."""
    setting = outside(4)
    shares = np.eye(10)
    weights = shares - contrast_asc(setting, shares, penalty=0.01).values
    assert weights.sum(axis=0) == pytest.approx(np.ones(10))
    assert weights.diagonal() == pytest.approx(np.zeros(10), abs=1e-10)
    assert weights.min() < 0


def test_the_penalty_knows_nothing_of_the_time_after() -> None:
    """Weights and penalty stay the same to the last digit whatever comes after the change."""
    setting = outside(5)
    first = np.where(setting.treated, 50.0, np.inf)
    found = [
        estimate_asc(
            panel(setting.units, np.arange(60.0), np.hstack([setting.before, after]), first), Question(level=0.9)
        ).weights
        for after in (setting.after, setting.after[::-1] ** 2)
    ]
    assert found[0] == found[1]
