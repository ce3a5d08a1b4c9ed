"""Placebo dates refute what also happens when nothing was changed."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.placebo_dates import check_placebo_dates, estimate_placebos
from passerelle.lab.paired import paired
from passerelle.lab.result import Outcome, Result


def result(low: float, high: float) -> Result:
    return Result((low + high) / 2, 1.0, (low, high), 0.95, 0.5, 2, 40, "did_blocks", (), "blocks")


@pytest.mark.parametrize(
    ("larger", "count", "separate", "outcome", "reason"),
    [
        (0, 19, 19, "passed", "rare"),
        (1, 39, 39, "passed", "rare"),
        (1, 38, 38, "failed", "common"),
        (1, 19, 19, "failed", "common"),
        (0, 18, 18, "not_applicable", "too_few"),
        (1, 18, 18, "failed", "larger_of_few"),
        (0, 0, 0, "not_applicable", "none"),
        # Overlap makes fifty dates out of two windows: neither 1/51 nor 2/51 is a probability then.
        (0, 50, 2, "not_applicable", "too_few"),
        (1, 50, 2, "failed", "larger_of_few"),
        (0, 50, 18, "not_applicable", "too_few"),
        (0, 50, 19, "passed", "rare"),
    ],
)
def test_one_in_twenty(larger: int, count: int, separate: int, outcome: str, reason: str) -> None:
    """The share (larger + 1) / (count + 1) is held against 5 %; fewer than 19 separate windows can't reach it."""
    placebos = np.array([-9.0] * larger + [0.5] * (count - larger))
    found = check_placebo_dates(result(4, 6), placebos, separate)
    assert (found.outcome, found.reason) == (Outcome(outcome), reason)


def test_without_an_effect_there_is_nothing_to_refute() -> None:
    """An interval that holds zero claims no effect, however large the placebos."""
    found = check_placebo_dates(result(-1, 2), np.full(30, 7.0), separate=1)
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, "no_effect_claimed")


def test_a_placebo_sees_only_its_window() -> None:
    """Of a history 0 0 3 3 9 9 the placebo between the second and third day shows 3, the next one 6."""
    days = np.arange(6.0)
    history = paired(days, np.array([0.0, 0, 3, 3, 9, 9]), days * 0, days > 9)
    late = np.array([False, False, True, True])
    assert estimate_placebos(history, [(np.arange(4), late), (np.arange(2, 6), late)]) == pytest.approx([3, 6])
