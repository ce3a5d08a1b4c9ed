"""A drift that was there before the change refutes the effect that continues it."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.pre_trend import check_pre_trend
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
