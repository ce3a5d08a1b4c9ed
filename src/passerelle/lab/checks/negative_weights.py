"""Would two-way fixed effects subtract some of the effects it is the mean of?

The coefficient is a weighted mean of the effects on each treated unit at each time (de Chaisemartin and D'Haultfœuille
2020, doi:10.1257/aer.20181169, theorem 1). Weights below zero come from comparisons with units that already had the
change. Outcomes play no part in it.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Outcome

NAME = "negative_weights"
_NOTHING = 1e-9


def check_negative_weights(weights: Floats) -> Check:
    """Fails where some of the weights of the treated cells, which sum to 1, lie below zero."""
    below = weights < -_NOTHING * np.abs(weights).max()
    numbers = {"share": float(-weights[below].sum()), "count": float(below.sum()), "all": float(len(weights))}
    return Check(NAME, *((Outcome.FAILED, "some") if below.any() else (Outcome.PASSED, "none")), numbers)
