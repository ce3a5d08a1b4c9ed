"""Could refute: a verdict from more precision than the times seen can give."""

from __future__ import annotations

import numpy as np

from passerelle.lab.estimators.did_blocks import BLOCKS
from passerelle.lab.panel import Flags
from passerelle.lab.result import Check, Outcome

NAME = "too_few_units"
FEWEST_TIMES = 3 * BLOCKS
"""Blocks of three: in shorter ones a block is one day or two, and blocks are as alike as days."""


def check_too_few_units(after: Flags) -> Check:
    """Failed where either side of the change has fewer times than its blocks need."""
    sides = {"before": float(np.sum(~after)), "after": float(np.sum(after)), "needed": float(FEWEST_TIMES)}
    if min(sides["before"], sides["after"]) < FEWEST_TIMES:
        return Check(NAME, Outcome.FAILED, "too_few", sides)
    return Check(NAME, Outcome.PASSED, "enough", sides)
