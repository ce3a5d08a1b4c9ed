"""Too few days or weeks are said, not papered over."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.checks.too_few_units import check_too_few_units
from passerelle.lab.result import Outcome


@pytest.mark.parametrize(("before", "after", "outcome"), [(12, 12, "passed"), (11, 40, "failed"), (40, 11, "failed")])
def test_both_sides_need_twelve(before: int, after: int, outcome: str) -> None:
    """Four blocks of three on each side; a long side doesn't make up for a short one."""
    found = check_too_few_units(np.arange(before + after) >= before)
    assert (found.outcome, found.numbers["before"], found.numbers["after"]) == (Outcome(outcome), before, after)
