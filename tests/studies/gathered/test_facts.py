"""Looks are shares of the time planned, and what was seen at each is only what was there."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from passerelle.studies.declared.terms import Stop
from passerelle.studies.gathered.cut import Cut
from passerelle.studies.gathered.facts import cut_at, share_looks, touch_episodes
from passerelle.studies.gathered.spells import Spelled
from passerelle.trust.light import Light

# A window after of 100 days, from 1 January to 10 April 2023, over on the 11th.
SPAN = date(2023, 1, 1), date(2023, 4, 11)
FIXED = Stop("fixed")
LOOKS = Stop("looks", (date(2023, 2, 20), date(2023, 4, 11)))


@pytest.mark.parametrize(
    ("stop", "publish", "day", "planned", "taken"),
    [
        # Once, at the end or later.
        (FIXED, None, date(2023, 4, 11), [1.0], 1.0),
        (FIXED, None, date(2024, 1, 1), [1.0], 1.0),
        # 50 of 100 days after the first: a look that nobody planned.
        (FIXED, None, date(2023, 2, 20), [1.0], 0.5),
        # 100 of 200 days before the day of publication.
        (FIXED, date(2023, 7, 20), date(2023, 4, 11), [1.0], 0.5),
        (FIXED, date(2023, 7, 20), date(2023, 7, 20), [1.0], 1.0),
        # Declared at half the time; a week later it is still that look, a day before it none.
        (LOOKS, None, date(2023, 2, 20), [0.5, 1.0], 0.5),
        (LOOKS, None, date(2023, 2, 27), [0.5, 1.0], 0.5),
        (LOOKS, None, date(2023, 2, 19), [0.5, 1.0], 0.49),
        (LOOKS, None, date(2023, 5, 1), [0.5, 1.0], 1.0),
    ],
)
def test_a_look_is_a_share(stop: Stop, publish: date | None, day: date, planned: list[float], taken: float) -> None:
    """Days since the window after began, by the days until the last look planned."""
    assert share_looks(stop, publish, SPAN, [day]) == {"planned": planned, "taken": [pytest.approx(taken)]}


def test_each_look_counts_once() -> None:
    """Runs on days of the same look are one; those of earlier findings stay."""
    days = [date(2023, 4, 12), date(2023, 2, 21), date(2023, 2, 22), date(2023, 6, 1)]
    assert share_looks(LOOKS, None, SPAN, days)["taken"] == [0.5, 1.0]


def test_a_look_before_anything_is_one_too() -> None:
    """Before the window after has begun there is nothing to see, and it was looked at nevertheless."""
    (share,) = share_looks(FIXED, None, SPAN, [date(2022, 12, 1)])["taken"]
    assert 0 < share < 0.001


def test_what_is_used_was_there_at_the_look() -> None:
    """Without declared looks everything may be used; with them nothing from the day of the last one on."""
    assert cut_at(FIXED, date(2023, 3, 1)) is None
    assert [cut_at(LOOKS, date(2023, *day)) for day in ((2, 19), (2, 20), (4, 10), (5, 1))] == [
        None,
        date(2023, 2, 20),
        date(2023, 2, 20),
        date(2023, 4, 11),
    ]


def test_an_episode_is_touched_by_what_came_on_some_of_its_days() -> None:
    """Episodes of 10 and 20 June, each with the day a week before and after: a change of all June touches neither.

    One from the 14th (in Paris, at 22:00 UTC of the 13th) touches both: it was there on the 17th and 20th, and not on
    the 10th and 13th.
    """
    pairs = tuple(
        (
            (date(2023, 6, day), date(2023, 6, day)),
            (date(2023, 6, day),),
            (date(2023, 6, day - 7), date(2023, 6, day + 7)),
        )
        for day in (10, 20)
    )
    spelled = Spelled(
        None, pl.DataFrame(), pairs, (), (), Cut(0.0, Light.GREEN, pl.Series([], dtype=pl.Date()), ()), ()
    )
    others = [
        {"id": "all-june", "start": "2023-05-01T00:00:00Z", "end": None},
        {"id": "from-the-14th", "start": "2023-06-13T22:00:00Z", "end": None},
        {"id": "the-3rd", "start": "2023-06-02T22:00:00Z", "end": "2023-06-03T20:00:00Z"},
        {"id": "later", "start": "2023-07-01T00:00:00Z", "end": None},
    ]
    found = touch_episodes({"others": others}, spelled, ZoneInfo("Europe/Paris"))
    assert {one.name: one.units.tolist() for one in found} == {
        "all-june": [False, False],
        "from-the-14th": [True, True],
        "the-3rd": [True, False],
        "later": [False, False],
    }
    assert all((one.start, one.end) == (1.0, np.inf) for one in found)
