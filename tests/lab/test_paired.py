"""Two groups at the same times can't be built wrong."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.paired import paired
from passerelle.model.errors import InvalidValueError

DAYS = np.arange(4.0)
LATE = np.array([False, False, True, True])


def test_times_must_ascend() -> None:
    """A day that comes twice would count twice."""
    with pytest.raises(InvalidValueError, match="ascend"):
        paired(np.array([0.0, 1.0, 1.0, 2.0]), DAYS, DAYS, LATE)


def test_a_logarithm_of_zero_is_refused() -> None:
    """A day with no count has no logarithm, and an estimate of it would be infinite or silently short."""
    with pytest.raises(InvalidValueError, match="not finite"):
        paired(DAYS, np.array([0.0, -np.inf, 0.0, 0.0]), DAYS, LATE)


def test_groups_have_the_same_times() -> None:
    """A group with a day more can't be paired."""
    with pytest.raises(InvalidValueError, match="5 rows for 4 times"):
        paired(DAYS, np.arange(5.0), DAYS, LATE)


def test_alone_compares_with_nothing() -> None:
    """Without its comparison the difference is the treated group itself."""
    data = paired(DAYS, DAYS + 7, DAYS * 3, LATE)
    assert data.alone().difference.tolist() == [7, 8, 9, 10]
