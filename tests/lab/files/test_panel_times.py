"""Times keep their distances, in steps."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.files.panel_times import read_clock
from passerelle.model.errors import InvalidValueError


@pytest.mark.parametrize(
    ("labels", "times"),
    [
        (["2003", "2005", "2004"], [0, 1, 2]),
        (["1990", "1992", "1996"], [0, 1, 3]),
        (["0.25", "0.5", "1"], [0, 1, 3]),
        (["200311", "200312", "200401"], [0, 1, 2]),
        (["2003-11", "2003-12", "2004-02"], [0, 1, 3]),
        (["2003-11-01", "2003-12-01", "2004-02-01"], [0, 1, 3]),
        (["2003-01-01", "2004-01-01", "2006-01-01"], [0, 1, 3]),
        (["2024-02-28", "2024-02-29", "2024-03-02"], [0, 1, 3]),
        (["2024-03-04", "2024-03-11", "2024-03-25"], [0, 1, 3]),
        (["2024-03-04T00:00", "2024-03-04T01:00", "2024-03-04T03:00"], [0, 1, 3]),
        (["2024-03-04T00:00:00Z", "2024-03-04T00:15:00Z", "2024-03-04T00:45:00Z"], [0, 1, 3]),
        (["7"], [0]),
    ],
)
def test_distances_in_steps(labels: list[str], times: list[float]) -> None:
    """Years, months, weeks, days, hours and quarters are one step; what is missing leaves its gap."""
    clock, places = read_clock(labels, "t")
    np.testing.assert_array_equal(clock.times, times)
    assert [clock.labels[place] for place in places] == labels


def test_between_two_times() -> None:
    """A change in mid-month began at the next month's first; one at a time began there."""
    clock, _ = read_clock(["2003-11-01", "2003-12-01", "2004-02-01"], "t")
    assert [clock.place(text, "--from") for text in ("2003-11-15", "2003-12-01", "2003-12-02")] == [1, 1, 3]
    assert clock.label(3) == "2004-02-01"
    assert clock.place("2005-01-01", "f", beyond=True) == np.inf


@pytest.mark.parametrize("label", ["spring", "2003-13", "31.12.2003", "2003-02-30", ""])
def test_other_writings_are_refused(label: str) -> None:
    """What isn't a number, an ISO date or a month is refused, with examples of the others."""
    with pytest.raises(InvalidValueError, match="ISO dates"):
        read_clock(["2003-01-01", label, "2003-01-02"], "t")
