"""Weights below zero refute two-way fixed effects."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.negative_weights import check_negative_weights
from passerelle.lab.result import Outcome


@pytest.mark.parametrize(
    ("weights", "outcome", "share", "count"),
    [
        ([0.5, 0.5], Outcome.PASSED, 0.0, 0),
        ([0.7, 0.5, -0.2], Outcome.FAILED, 0.2, 1),
        ([1.0, -1e-15], Outcome.PASSED, 0.0, 0),
    ],
)
def test_weights_below_zero(weights: list[float], outcome: Outcome, share: float, count: int) -> None:
    """Their sum and number are said; rounding is not one."""
    found = check_negative_weights(np.array(weights))
    assert (found.outcome, found.numbers["count"]) == (outcome, count)
    assert found.numbers["share"] == pytest.approx(share)
