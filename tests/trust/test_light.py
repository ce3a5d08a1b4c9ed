"""The light of a window: what its marks make together."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.trust.records import at

from passerelle.model.errors import InvalidValueError
from passerelle.trust.check import Light, Mark
from passerelle.trust.light import Judged, find_last_good, light_of, merge


def judged(start: float, end: float, light: Light = Light.RED) -> Judged:
    return Judged("gaps", Mark(at(hours=start), at(hours=end), light, {"en": "x", "fr": "x"}))


def test_no_mark_is_green() -> None:
    """A mark that ends where the window begins, or begins where it ends, leaves the window green."""
    window = light_of([judged(0, 10), judged(20, 30)], at(hours=10), at(hours=20))
    assert (window.light, window.red_share, window.red, window.reasons) == (Light.GREEN, 0, (), ())


def test_a_tenth_may_be_red() -> None:
    """10 hours of 100 are a tenth and leave the window amber; an hour more makes it red."""
    assert light_of([judged(-5, 10)], at(hours=0), at(hours=100)).light is Light.AMBER
    assert light_of([judged(-5, 11)], at(hours=0), at(hours=100)).light is Light.RED


def test_overlapping_red_is_counted_once() -> None:
    """Red from 0 to 6 and from 4 to 8 is 8 hours of 100; amber over all of it adds nothing to the share."""
    window = light_of([judged(0, 6), judged(4, 8), judged(0, 90, Light.AMBER)], at(hours=0), at(hours=100))
    assert window.red_share == pytest.approx(0.08)
    assert window.red == ((at(hours=0), at(hours=8)),)
    assert [one.mark.light for one in window.reasons] == [Light.RED, Light.RED, Light.AMBER]
    assert window.reasons[0].mark.end == at(hours=6)


def test_an_empty_window_is_refused() -> None:
    """A window must have a length."""
    with pytest.raises(InvalidValueError, match="empty"):
        light_of([], at(hours=1), at(hours=1))


def test_touching_intervals_become_one() -> None:
    """[0, 2), [2, 3) and [5, 6) are two intervals."""
    given = [(at(hours=5), at(hours=6)), (at(hours=2), at(hours=3)), (at(hours=0), at(hours=2))]
    assert merge(given) == [(at(hours=0), at(hours=3)), (at(hours=5), at(hours=6))]


@pytest.mark.parametrize(
    ("red", "found"),
    [([], 9), ([(8, 12)], 7), ([(2, 4), (8, 9), (9, 10)], 7), ([(0, 100)], None), ([(3, 5)], 9), ([(9, 9.5)], 8)],
)
def test_the_last_good_row_begins_in_no_red(red: list[tuple[float, float]], found: int | None) -> None:
    """Of ten rows an hour apart, counted by hand: the last that begins in no red interval."""
    rows: list[datetime] = [at(hours=hour) for hour in range(10)]
    assert find_last_good(rows, [(at(hours=start), at(hours=end)) for start, end in red]) == found


def test_marks_are_amber_or_red_and_in_both_languages() -> None:
    """A green mark, an empty one, and a reason in one language are refused."""
    both = {"en": "x", "fr": "x"}
    for bad in (
        lambda: Mark(at(), at(hours=1), Light.GREEN, both),
        lambda: Mark(at(), at() - timedelta(hours=1), Light.RED, both),
        lambda: Mark(at(), at(hours=1), Light.RED, {"en": "x"}),
    ):
        with pytest.raises(InvalidValueError):
            bad()
