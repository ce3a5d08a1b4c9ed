"""A history in which each day is nearly the last one refutes the interval."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.dependence import check_dependence, estimate_correlation
from passerelle.lab.estimators.did_blocks import design_matrix
from passerelle.lab.paired import paired
from passerelle.lab.result import Outcome


def history(correlation: float, length: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=length + 60)
    for day in range(1, len(noise)):
        noise[day] += correlation * noise[day - 1]
    return noise[60:]


@pytest.mark.parametrize(("correlation", "outcome"), [(0.2, "passed"), (0.9, "failed")])
def test_a_long_memory_refutes(correlation: float, outcome: str) -> None:
    """Synthetic: 300 days made with a correlation of 0.2 pass, with 0.9 they don't."""
    days = np.arange(300.0)
    found = check_dependence(paired(days, history(correlation, 300, 3), days * 0, days >= 150))
    assert found.outcome is Outcome(outcome)


def test_the_fit_does_not_hide_dependence() -> None:
    """Synthetic: over 400 short histories made with 0.4 the median found is 0.4 within 0.1, not the residuals' own."""
    days = np.arange(29.0)
    weekdays = np.column_stack([(days % 5 == one).astype(float) for one in range(1, 5)])
    matrix = design_matrix(paired(days, days, days * 0, days >= 14, weekdays))
    maker = np.eye(29) - matrix @ np.linalg.pinv(matrix)
    found = [estimate_correlation(maker @ history(0.4, 29, seed), matrix) for seed in range(400)]
    assert np.median(found) == pytest.approx(0.4, abs=0.1)


def test_newey_west_by_hand() -> None:
    """Residuals +1 and -1 by turns, T = 24, bandwidth 2: 1 - 2 (2/3) 23/24 + 2 (1/3) 22/24 of a white error, scaled."""
    days = np.arange(24.0)
    found = check_dependence(paired(days, (-1.0) ** days, days * 0, days >= 12)).numbers
    # S = X'X-weighted sums: within each half the lags 1 and 2 have 11 and 10 pairs.
    half = 12 - 2 * (2 / 3) * 11 + 2 * (1 / 3) * 10
    assert found["bandwidth"] == 2
    assert found["newey_west_se"] == pytest.approx((2 * half / 12**2 * 24 / 22) ** 0.5, rel=1e-9)
