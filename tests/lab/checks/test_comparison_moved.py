"""An effect that the comparison made by itself is refuted."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.comparison_moved import check_comparison_moved
from passerelle.lab.estimators.did_blocks import estimate_did
from passerelle.lab.paired import paired

DAYS = np.arange(40.0)
LATE = DAYS >= 20
NOISE = np.random.default_rng(9).normal(scale=0.5, size=40)


@pytest.mark.parametrize(
    ("treated", "comparison", "outcome"),
    [(-4.0, 0.0, "passed"), (-4.0, 4.0, "passed"), (1.0, 6.0, "failed"), (0.0, 0.0, "not_applicable")],
)
def test_who_moved(treated: float, comparison: float, outcome: str) -> None:
    """Synthetic: a fall of the treated stands; a treated group that rose while the comparison rose more doesn't."""
    data = paired(DAYS, treated * LATE + NOISE, comparison * LATE, LATE)
    assert check_comparison_moved(data, estimate_did(data)).outcome.value == outcome
