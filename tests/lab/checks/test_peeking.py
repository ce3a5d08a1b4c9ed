"""Looking early costs what Lan and DeMets say, and an undeclared look refutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.case import Case
from passerelle.lab.checks.peeking import bounds, check_peeking
from passerelle.lab.context import Context, Looks


def test_bounds_of_five_looks() -> None:
    """The table of R's ldbounds for alpha 0.05 two-sided, O'Brien-Fleming type, t = 0.2, 0.4, ... 1."""
    found = bounds((0.2, 0.4, 0.6, 0.8, 1.0), 0.05)
    assert found == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_bounds_hold_the_error() -> None:
    """Of 40,000 simulated nulls looked at three times, 5 % (within 3 binomial errors, 0.33 points) cross a bound."""
    steps = np.random.default_rng(1).normal(size=(40_000, 3)) / np.sqrt(3)
    scores = steps.cumsum(axis=1) / np.sqrt([1 / 3, 2 / 3, 1])
    crossed = (np.abs(scores) > bounds((1 / 3, 2 / 3, 1.0), 0.05)).any(axis=1)
    assert crossed.mean() == pytest.approx(0.05, abs=0.0033)


def judged(p_value: float, looks: Looks) -> Case:
    one = case(draw(1, effect=3), Context(looks=looks))
    return replace(one, result=replace(one.result, p_value=p_value))


@pytest.mark.parametrize(
    ("p_value", "planned", "taken", "outcome"),
    [
        (0.04, (0.5, 1.0), (0.5,), ("failed", "spent")),
        (0.002, (0.5, 1.0), (0.5,), ("passed", "held")),
        (0.04, (0.5, 1.0), (0.5, 1.0), ("passed", "held")),
        (0.0495, (0.5, 1.0), (0.5, 1.0), ("failed", "spent")),
        (0.0001, (0.5, 1.0), (0.25, 0.5), ("failed", "undeclared")),
        (0.049, (1.0,), (1.0,), ("passed", "once")),
    ],
)
def test_a_look_spends(p_value: float, planned: tuple[float, ...], taken: tuple[float, ...], outcome: object) -> None:
    """At half of the times z = 2.963 (p 0.0031) is needed, at the end 1.969 (p 0.0490) (ldbounds)."""
    assert told(check_peeking(judged(p_value, Looks(planned, taken)))) == outcome


def test_nobody_recorded_looks() -> None:
    """Without a record of looks nothing is confirmed."""
    assert told(check_peeking(case(draw(1)))) == ("not_applicable", "not_known")
