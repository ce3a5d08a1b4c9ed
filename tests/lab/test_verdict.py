"""The rule of design: each verdict from the intervals that deserve it, and from no other."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.verdict import Verdict, Wanted, judge


def result(low: float, high: float, *checks: Check) -> Result:
    return Result(
        effect=(low + high) / 2,
        se=1.0,
        interval=(low, high),
        level=0.95,
        p_value=0.5,
        n_units=2,
        n_times=40,
        method="did_blocks",
        assumptions=(),
        inference="blocks",
        checks=checks,
    )


@pytest.mark.parametrize(
    ("low", "high", "wanted", "verdict"),
    [
        (3, 9, "up", "worked"),
        (3, 9, "down", "harmed"),
        (3, 9, "neither", "rose"),
        (-9, -3, "down", "worked"),
        (-9, -3, "up", "harmed"),
        (-9, -3, "neither", "fell"),
        (-1, 1.5, "up", "no_effect_shown"),
        (0.5, 1.5, "up", "no_effect_shown"),
        (-1, 2.5, "up", "cannot_tell_yet"),
        (-3, 3, "neither", "cannot_tell_yet"),
        (0, 9, "up", "cannot_tell_yet"),
        (-2, 1, "neither", "cannot_tell_yet"),
    ],
)
def test_the_interval_decides(low: float, high: float, wanted: str, verdict: str) -> None:
    """With 2 as the smallest effect of interest, each interval has the verdict the rule gives it by hand."""
    assert judge(result(low, high), Wanted(wanted), (-2, 2)).verdict is Verdict(verdict)


def test_a_failed_check_blocks_whatever_the_interval_says() -> None:
    """A clear effect that a check refuted is no verdict, and the check is named."""
    checks = (Check("pre_trend", Outcome.FAILED, "drift"), Check("dependence", Outcome.PASSED, "within_range"))
    judgement = judge(result(3, 9, *checks), Wanted.UP, (-2, 2))
    assert (judgement.verdict, judgement.blocked_by) == (Verdict.CANNOT_TELL_YET, ("pre_trend",))


def test_what_would_settle_a_wide_interval() -> None:
    """Half-width 3 around 0 must come down to 2: (3/2)^2 = 2.25 times the 40 times there are, 90."""
    judgement = judge(result(-3, 3), Wanted.NEITHER, (-2, 2))
    assert (judgement.blocked_by, judgement.times_needed) == (("interval_too_wide",), 90)


def test_without_a_smallest_effect_nothing_is_no_effect() -> None:
    """Half-width 1 around 0.5 must come down to 0.5: 4 times the 40 times there are."""
    judgement = judge(result(-0.5, 1.5), Wanted.UP, None)
    assert (judgement.blocked_by, judgement.times_needed) == (("interval_too_wide",), 160)


def test_an_interval_without_bounds_is_not_settled_by_waiting() -> None:
    """More times don't mend too few units."""
    assert judge(replace(result(0, 1), interval=(-math.inf, math.inf)), Wanted.UP, None).times_needed is None
