"""A drift that was there before the change refutes the effect that continues it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from diff_diff import HonestDiD
from diff_diff.results import MultiPeriodDiDResults, PeriodEffect
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.pre_trend import check_drift, check_pre_trend, find_breakdown
from passerelle.lab.estimators.did_blocks import estimate_did
from passerelle.lab.paired import Paired, paired
from passerelle.lab.result import Check

DAYS = np.arange(40.0)
NOISE = np.random.default_rng(5).normal(scale=0.5, size=40)


def check(treated: np.ndarray) -> Check:
    data: Paired = paired(DAYS, treated, DAYS * 0, DAYS >= 20)
    return check_pre_trend(data, estimate_did(data))


def test_a_drift_refutes() -> None:
    """Synthetic: 0.5 a day all along, no change: the drift from middle to middle is 20 days, about 10."""
    found = check(0.5 * DAYS + NOISE)
    assert (found.outcome.value, found.reason) == ("failed", "drift")
    assert found.numbers["drift"] == pytest.approx(10, abs=2)


def test_a_step_does_not() -> None:
    """Synthetic: level before, level after, a step of 5 between them."""
    assert check(np.where(DAYS >= 20, 5.0, 0.0) + NOISE).reason == "no_drift"


def test_a_drift_the_other_way_neither_refutes_nor_confirms() -> None:
    """Synthetic: rising 0.5 a day before, then 20 lower. The rise can't have made the fall; parallel it was not."""
    found = check(np.where(DAYS >= 20, -10.0, 0.5 * DAYS) + NOISE)
    assert (found.outcome.value, found.reason) == ("not_applicable", "opposite_drift")


def test_a_panel_that_drifted() -> None:
    """The treated rise by 0.2 a time all along: from the middle before (11.5) to the one after (29.5) by 3.6."""
    city = draw(1)
    city.outcomes[:10] += 0.2 * city.times
    found = check_drift(case(city))
    assert told(found) == ("failed", "drift")
    assert found.numbers["drift"] == pytest.approx(0.2 * 18, abs=1)


def test_panels_that_did_not() -> None:
    """A step is no drift, a drift against the effect can't have made it, and a small effect might be an unseen one."""
    assert told(check_drift(case(draw(1, effect=4)))) == ("passed", "parallel")
    assert told(check_drift(case(draw(1, effect=0.1)))) == ("not_applicable", "might_hide")
    assert told(check_drift(case(draw(1, before=2)))) == ("not_applicable", "too_short")
    against = draw(1, effect=9)
    against.outcomes[:10] -= 0.2 * against.times
    assert told(check_drift(case(against))) == ("not_applicable", "opposite_drift")


def test_breakdown_is_that_of_diff_diff() -> None:
    """The relative magnitude at which diff-diff's HonestDiD finds zero in the interval, to its tolerance of 0.01."""
    one = case(draw(2, effect=4, before=8, after=4))
    aligned = one.aligned
    assert aligned is not None
    gap = aligned.gap() - aligned.gap()[aligned.since == -1]
    keep = aligned.since != -1
    half_width = (one.result.interval[1] - one.result.interval[0]) / 2
    effect, error = float(gap[8:].mean()), half_width / 1.959964
    found = HonestDiD(method="relative_magnitude").breakdown_value(
        study_of(aligned.since[keep], gap[keep], error), 1e-3
    )
    result = replace(one.result, effect=effect, interval=(effect - half_width, effect + half_width))
    assert find_breakdown(aligned, result) == pytest.approx(found, abs=2e-3)


def study_of(since: np.ndarray, effects: np.ndarray, error: float) -> MultiPeriodDiDResults:
    """An event study whose mean effect after has the given error: each of the four by itself twice that."""
    periods = {
        int(at): PeriodEffect(int(at), float(effect), 2 * error, 0.0, 1.0, (0.0, 0.0))
        for at, effect in zip(since, effects, strict=True)
    }
    return MultiPeriodDiDResults(
        period_effects=periods,
        avg_att=0.0,
        avg_se=1.0,
        avg_t_stat=0.0,
        avg_p_value=1.0,
        avg_conf_int=(0.0, 0.0),
        n_obs=384,
        n_treated=8,
        n_control=24,
        pre_periods=[at for at in periods if at < 0],
        post_periods=[at for at in periods if at >= 0],
        reference_period=-1,
    )
