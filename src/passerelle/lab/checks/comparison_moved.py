"""Could refute: an effect that the comparison made by moving, while the treated group stayed."""

from __future__ import annotations

import numpy as np

from passerelle.lab.estimators.did_blocks import estimate_did
from passerelle.lab.paired import Paired
from passerelle.lab.result import Check, Outcome, Result

NAME = "comparison_moved"


def check_comparison_moved(data: Paired, result: Result) -> Check:
    """Failed where the treated group alone, compared with nothing, moved the other way from the effect or not at all.

    A comparison that gained what the treated group lost doubles the effect; it can't make one from nothing
    if the treated group fell by itself.
    """
    alone = estimate_did(data.alone(), result.level)
    numbers = {"alone": alone.effect, "low": alone.interval[0], "high": alone.interval[1]}
    low, high = result.interval
    if low <= 0 <= high:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_effect_claimed", numbers)
    if np.sign(alone.effect) != np.sign(result.effect):
        return Check(NAME, Outcome.FAILED, "only_comparison", numbers)
    return Check(NAME, Outcome.PASSED, "treated_moved", numbers)
