"""Placebo dates refute what also happens when nothing was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.placebo_dates import check_dates, check_placebo_dates, estimate_placebos
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


def test_a_panel_that_jumps_at_other_dates_too() -> None:
    """A treated group that jumped by 4 for a while, when nothing was changed, has nothing to say by one of 3."""
    city = draw(1, effect=3)
    city.outcomes[:10, 12:18] += 4
    found = check_dates(case(city))
    assert told(found) == ("failed", "larger_score")


def test_a_panel_with_a_real_effect() -> None:
    """Forty dates fit in 80 times by two; none or few show what an effect of 1 shows. Fewer dates confirm nothing."""
    long = draw(2, before=82, after=2, effect=1.5)
    assert told(check_dates(case(long))) == ("passed", "rare_scores")
    assert told(check_dates(case(draw(2, effect=1.5)))) == ("not_applicable", "few_scores")
    assert told(check_dates(case(draw(2)))) == ("not_applicable", "nothing_to_refute")


def test_dates_of_a_method_that_compares_with_nobody() -> None:
    """Asked again by the method itself: the same outcome without the way by alignment."""
    one = case(draw(3, before=82, after=2, effect=1.5))
    again = replace(one, compares=False)
    assert told(check_dates(again)) == ("passed", "rare_scores")
