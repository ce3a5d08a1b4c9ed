"""A panel can't be built from arrays that don't belong together."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.panel import Panel, panel
from passerelle.model.errors import InvalidValueError

TIMES = np.array([1.0, 2.0, 3.0])


def example(**other: object) -> Panel:
    fields = {
        "units": ("a", "b"),
        "times": TIMES,
        "outcomes": np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]]),
        "first": np.array([2.0, np.inf]),
    }
    return panel(**{**fields, **other})  # type: ignore[arg-type]


def test_what_follows_from_the_arrays() -> None:
    """Unit a has the change from 2 on; b was not seen at 2."""
    one = example()
    assert one.treated.tolist() == [True, False]
    assert one.starts.tolist() == [2.0]
    assert not one.complete
    assert one.clusters.tolist() == [0, 1]


def test_a_start_after_the_last_time_is_no_treatment() -> None:
    """A unit that gets the change at 9 is a comparison until 3."""
    assert example(first=np.array([9.0, np.inf])).treated.tolist() == [False, False]


def test_selection_keeps_rows_together() -> None:
    """Unit b at times 1 and 3: 4 and 6, never treated."""
    one = example().select(np.array([1]), np.array([0, 2]))
    assert one.units == ("b",)
    assert one.outcomes.tolist() == [[4.0, 6.0]]
    assert one.first.tolist() == [np.inf]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("outcomes", np.zeros((2, 2)), r"shape \(2, 2\), not \(2, 3\)"),
        ("outcomes", np.full((2, 3), np.inf), "may not be infinite"),
        ("outcomes", np.full((2, 3), 1e200), r"largest outcome is 1e\+200 in size; from 1e-60 to 1e\+60"),
        ("outcomes", np.full((2, 3), -1e-200), "take another unit of measurement"),
        ("first", np.array([1.0]), "first has 1 rows, not 2"),
        ("first", np.array([np.nan, 1.0]), "not a number"),
        ("units", ("a", "a"), "a unit comes twice"),
        ("times", np.array([1.0, 1.0, 2.0]), "ascend"),
        ("traits", np.array([[np.nan], [1.0]]), "traits holds"),
        ("surroundings", np.zeros((2, 1)), "surroundings has 2 rows, not 3"),
    ],
)
def test_arrays_that_do_not_fit(field: str, value: object, told: str) -> None:
    """The error says which array, what came and what was needed."""
    with pytest.raises(InvalidValueError, match=told):
        example(**{field: value})


def test_lots_and_a_change_that_came_and_went() -> None:
    """Strata and the matrix of having the change follow the rows; a placebo has it for good."""
    given = np.array([[False, True, False], [True, False, True]])
    one = example(strata=np.array([3, 4]), given=given)
    chosen = one.select(np.array([1]), np.array([0, 2]))
    assert chosen.given is not None
    assert chosen.strata is not None
    assert (chosen.given.tolist(), chosen.strata.tolist()) == ([[True, True]], [4])
    assert one.with_first(one.first).given is None
    with pytest.raises(InvalidValueError, match=r"given has the shape \(1, 3\)"):
        example(given=given[:1])
    with pytest.raises(InvalidValueError, match="strata has 1 rows"):
        example(strata=np.array([1]))
