"""All checks together, and bringing a judgement up to date."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from tests.trust.records import at, record

from passerelle.trust.judge import CHECKS, judge_series


def test_checks_have_names_of_their_own() -> None:
    """A check is found by its name."""
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)


def test_a_stale_series_is_found_with_its_number() -> None:
    """Ten days without a value of an hourly series mark it, also when the judgement is brought up to date."""
    last = record(np.zeros(100)).now
    stale = record(np.zeros(100), cadence=3600, now=last + timedelta(days=10), seen_until=last + timedelta(days=10))
    for since in (None, at(hours=99)):
        found = [one for one in judge_series(stale, since) if one.check == "freshness"]
        assert [one.series for one in found] == [(stale.series.number,)]


def test_marks_that_ended_before_are_not_made_again() -> None:
    """Brought up to date from a time after all marks' end, nothing is found."""
    last = record(np.zeros(100)).now
    stale = record(np.zeros(100), cadence=3600, now=last + timedelta(days=10), seen_until=last + timedelta(days=10))
    assert judge_series(stale, stale.now) == []
