"""Freshness: against the interval that was measured, not the one declared."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from tests.trust.records import DAY, HOUR, record

from passerelle.trust.check import Light
from passerelle.trust.checks.freshness import judge


def late(hours: float, *, asked: float | None = None, cadence: int | None = 60, count: int = 100):
    """An hourly series whose values come a minute after they end, judged so long after the last one."""
    last = record(np.zeros(count)).now
    return record(
        np.zeros(count),
        cadence=cadence,
        now=last + timedelta(hours=hours),
        seen_until=last + timedelta(hours=hours if asked is None else asked),
    )


def test_the_declared_interval_is_a_claim() -> None:
    """A feed that declares a minute and brings a value an hour is fresh after an hour."""
    assert judge(late(1)) == []


@pytest.mark.parametrize(("hours", "light"), [(1.9, None), (2.2, Light.AMBER), (3.9, Light.AMBER), (4.2, Light.RED)])
def test_thresholds_are_two_and_four_usual_ages(hours: float, light: Light | None) -> None:
    """Just before it is replaced the newest value is 61 minutes old: amber after 122 minutes, red after 244."""
    assert [mark.light for mark in judge(late(hours))] == ([] if light is None else [light])


def test_the_evidence_has_both_intervals() -> None:
    """61 minutes measured, 60 seconds declared, and the last value's end."""
    (mark,) = judge(late(10))
    assert mark.evidence["usual_age_seconds"] == 61 * 60
    assert mark.evidence["declared_cadence_seconds"] == 60
    assert mark.start == record(np.zeros(100)).now - timedelta(minutes=1)


def test_an_ended_feed_has_no_freshness() -> None:
    """No cadence, no light, however long ago."""
    assert judge(late(10000, cadence=None)) == []


def test_a_node_that_did_not_ask_says_so() -> None:
    """Last asked 30 hours ago: red, and the reason is this node."""
    (mark,) = judge(late(31, asked=1))
    assert mark.light is Light.RED
    assert "has not asked" in mark.reason["en"]


def test_an_import_is_judged_by_its_own_spacing() -> None:
    """100 days known all at once, declared hourly: the days' spacing is expected; amber from the third day on."""
    values = record(np.zeros(100), step=DAY, cadence=3600)
    end = values.now
    known = np.full(100, values.end[-1])
    for days, found in ((1.9, []), (2.1, [Light.AMBER]), (4.1, [Light.RED])):
        moment = end + timedelta(days=days)
        imported = record(np.zeros(100), step=DAY, cadence=3600, known_since=known, now=moment, seen_until=moment)
        assert [mark.light for mark in judge(imported)] == found


def test_a_feed_that_comes_in_bursts_keeps_its_rhythm() -> None:
    """Hourly values that come once a day, at midnight: 20 hours after the last burst nothing is late."""
    values = record(np.zeros(240))
    known = values.end[(np.arange(240) // 24) * 24 + 23] + HOUR
    moment = values.now + timedelta(hours=20)
    daily = record(np.zeros(240), cadence=3600, known_since=known, now=moment, seen_until=moment)
    assert judge(daily) == []
