"""One of several outcomes is held against all of them."""

from __future__ import annotations

import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.several_outcomes import adjust_p_values, check_several_outcomes
from passerelle.lab.context import Context


def test_holm_by_hand() -> None:
    """Of .01, .02, .03, .2: 4 x .01 = .04, 3 x .02 = .06, 2 x .03 = .06, 1 x .2 (R's p.adjust gives the same)."""
    assert adjust_p_values((0.2, 0.01, 0.03, 0.02)) == pytest.approx((0.2, 0.04, 0.06, 0.06))


def test_an_effect_that_only_holds_alone() -> None:
    """An effect with p of some hundredths falls beside nine others without any; a strong one stands."""
    weak, strong = case(draw(5, effect=0.5)), case(draw(5, effect=3))
    assert 0.006 < weak.result.p_value < 0.05
    others = Context(other_p=(0.5,) * 9)
    assert told(check_several_outcomes(case(weak.panel, others))) == ("failed", "not_together")
    assert told(check_several_outcomes(case(strong.panel, others))) == ("passed", "holds")
    assert told(check_several_outcomes(strong)) == ("not_applicable", "one_outcome")
