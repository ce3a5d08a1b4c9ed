"""Could refute: an effect of a size that the same comparison shows at dates when this change had not happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from passerelle.lab.estimators.did_blocks import fit_did
from passerelle.lab.paired import Paired
from passerelle.lab.panel import Flags, Floats
from passerelle.lab.result import Check, Outcome, Result

NAME = "placebo_dates"
FEWEST_FOR_FIVE_PERCENT = 19
"""With n separate placebos the smallest possible share is 1 / (n + 1), so that 5 % needs nineteen and the real one."""


def estimate_placebos(history: Paired, windows: Sequence[tuple[NDArray[np.intp], Flags]]) -> Floats:
    """The effect at each placebo date: `windows` gives the rows of `history` to take and which come after it."""
    return np.array([fit_did(history.select(rows, after))[1] for rows, after in windows])


def check_placebo_dates(result: Result, placebos: Floats, separate: int) -> Check:
    """Failed where more than one placebo date in twenty, the real one counted, shows an effect as large.

    `separate` is how many of the placebo windows don't overlap. Neighbours share most of their times and are one
    attempt seen often, so with fewer than nineteen separate windows the share is no probability: a single
    larger effect refutes, and none of them being larger confirms nothing.
    """
    if not len(placebos):
        return Check(NAME, Outcome.NOT_APPLICABLE, "none", {"count": 0.0})
    larger = int((np.abs(placebos) >= abs(result.effect)).sum())
    numbers = {
        "count": float(len(placebos)),
        "larger": float(larger),
        "rank": float(larger + 1),
        "share": (larger + 1) / (len(placebos) + 1),
        "separate": float(separate),
        "needed": float(FEWEST_FOR_FIVE_PERCENT),
        "largest": float(placebos[np.abs(placebos).argmax()]),
    }
    low, high = result.interval
    if low <= 0 <= high:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_effect_claimed", numbers)
    if separate < FEWEST_FOR_FIVE_PERCENT:
        if larger:
            return Check(NAME, Outcome.FAILED, "larger_of_few", numbers)
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few", numbers)
    if numbers["share"] > 0.05:
        return Check(NAME, Outcome.FAILED, "common", numbers)
    return Check(NAME, Outcome.PASSED, "rare", numbers)
