"""An effect that one comparison unit makes is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, of, told

from passerelle.lab.checks.leave_one_out import check_leave_one_out, is_unlike


def test_each_left_out_by_hand() -> None:
    """Treated rise 5; comparison rises 0, 1, 2: without them the effect is 5 - 1.5, 5 - 1, 5 - 0.5."""
    rises = np.array([5, 5.1, 4.9, 0, 1, 2])
    city = of(np.column_stack([0 * rises, 0 * rises, rises]), 3, 2)
    one = case(city)
    found = check_leave_one_out(replace(one, result=replace(one.result, interval=(3.0, 5.0))))
    assert (found.numbers["lowest"], found.numbers["highest"]) == pytest.approx((3.5, 4.5))
    assert told(found) == ("passed", "stands")


def judged(last: float, low: float) -> tuple[str, str]:
    """A comparison of eleven that rise by about 0 and one that rises by `last`; the interval starts at `low`."""
    rises = np.array([1.0, 1.1, 0.9, *np.linspace(-0.1, 0.1, 11), last])
    one = case(of(np.column_stack([0 * rises, 0 * rises, rises]), 3, 2))
    result = replace(one.result, interval=(low, 2 * one.result.effect - low))
    return told(check_leave_one_out(replace(one, result=result)))


def test_what_hangs_on_one() -> None:
    """A fall of 24 in one place of twelve makes 2 of an effect of 3; one of 0.2 is within what chance does."""
    assert judged(-24.0, 1.5) == ("failed", "one_unlike")
    assert judged(-0.2, 0.005) == ("not_applicable", "near_limit")
    assert judged(-0.2, 0.5) == ("passed", "stands")


def test_a_sign_that_hangs_on_one() -> None:
    """Two of the comparison rise by 2 and one falls by 20: the treated's rise of 1 is below without it."""
    rises = np.array([1.0, 1.1, 0.9, 2.0, 2.0, -20.0])
    one = case(of(np.column_stack([0 * rises, 0 * rises, rises]), 3, 2))
    result = replace(one.result, interval=(0.1, 2 * one.result.effect))
    found = check_leave_one_out(replace(one, result=result))
    assert (*told(found), found.names["unit"]) == ("failed", "turns", "place 5")


def test_grubbs_rate() -> None:
    """The farthest of twenty normal values is called unlike the rest once in a hundred (4,000 draws, 3 errors: 0.5)."""
    draws = np.random.default_rng(1).normal(size=(4000, 20))
    found = [is_unlike(row, int(np.abs(row - row.mean()).argmax())) for row in draws]
    assert np.mean(found) == pytest.approx(0.01, abs=0.005)


def test_without_a_claim_there_is_nothing_to_hang() -> None:
    """No effect, no check."""
    assert told(check_leave_one_out(case(draw(1)))) == ("not_applicable", "no_effect_claimed")
