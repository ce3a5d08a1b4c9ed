"""Revisions: how far values move, and which may still."""

from __future__ import annotations

import numpy as np
from tests.trust.records import DAY, at, record

from passerelle.trust.check import Mark, Versions
from passerelle.trust.checks.revisions import judge


def revised(share: float, movement: float) -> list[Mark]:
    """Daily values, a share of which is published again two days after its end, moved by a fraction."""
    plain = record(np.full(200, 50.0), step=DAY)
    chosen = np.arange(200)[np.arange(200) % 20 < 20 * share]
    start = np.repeat(plain.start[chosen], 2)
    known = start + DAY + np.tile([0, 2 * DAY], len(chosen))
    value = np.tile([50.0, 50.0 * (1 + movement)], len(chosen))
    source = np.arange(len(start))
    return judge(record(plain.value, step=DAY, versions=Versions(start, known, source, value)))


def test_values_that_may_still_move_are_amber() -> None:
    """Half are revised by 4 % within two days: amber over the last two days, and 4 % is said."""
    (mark,) = revised(0.5, 0.04)
    assert abs(mark.evidence["median_movement"] - 0.04) < 1e-9
    assert mark.evidence["settles_after_seconds"] == 2 * 86400
    assert at(days=197.9) < mark.start < at(days=198.1)


def test_few_or_small_revisions_are_not_told() -> None:
    """One in twenty, or a thousandth of the value."""
    assert revised(0.05, 0.04) == []
    assert revised(0.5, 0.001) == []


def test_without_versions_nothing_is_known() -> None:
    """A record that was read without its versions."""
    assert judge(record(np.full(200, 50.0), step=DAY)) == []
