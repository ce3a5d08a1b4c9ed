"""Duplicates, refused rows, schema and places: what replies say, and where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.trust import real
from tests.trust.records import at, record

from passerelle.model.place import Place, point
from passerelle.trust.check import Delivery, FeedMark, Light, Refusals, Site
from passerelle.trust.checks import duplicates, places, refused, schema


def delivery(day: float, *, names: tuple[str, ...] = ("a", "b"), rows: int = 100, **changes: Any) -> Delivery:
    return Delivery(f"reply {day}", at(days=day), names, rows, at(days=day - 1), at(days=day), **changes)


def feed(*deliveries: Delivery, sites: tuple[Site, ...] = ()):
    ids = [site.place.id for site in sites] or ["p"]
    return real.feed_of([record(np.arange(99), place=one) for one in ids], deliveries=deliveries, sites=sites)


def test_names_that_come_and_go_are_told() -> None:
    """`b` becomes `c` in the third reply: amber from it on, with both; another order is no news."""
    shapes = [("a", "b", "x"), ("x", "b", "a"), ("a", "c", "x"), ("a", "c", "x")]
    (found,) = schema.judge_feed(feed(*(delivery(day, names=names) for day, names in enumerate(shapes))))
    assert (found.mark.start, found.mark.light, found.series) == (at(days=2), Light.AMBER, None)
    assert (found.mark.evidence["gone"], found.mark.evidence["new"]) == (["b"], ["c"])


def test_a_feed_may_ask_for_several_documents_in_turn() -> None:
    """Stations and their states alternate: no news but for a key that the states lose, once."""
    stations = [delivery(day, names=("time", "id", "name", "place"), rows=0) for day in range(0, 12, 2)]
    states = [delivery(day, names=("time", "id", "bikes", "docks")) for day in range(1, 12, 2)]
    states[0] = delivery(1, names=("time", "id", "bikes", "docks", "note"))
    mixed = sorted([*stations, *states], key=lambda one: one.received)
    (found,) = schema.judge_feed(feed(*mixed))
    assert found.mark.evidence["gone"] == ["note"]


def test_empty_and_short_replies() -> None:
    """Of 100 rows a reply, one has none (red until the next) and one has 40 (amber); 60 are not told."""
    rows = [100, 100, 100, 100, 100, 0, 100, 40, 60, 100]
    found = schema.judge_feed(feed(*(delivery(day, rows=count) for day, count in enumerate(rows))))
    assert [(one.mark.start, one.mark.end, one.mark.light) for one in found] == [
        (at(days=5), at(days=6), Light.RED),
        (at(days=7), at(days=8), Light.AMBER),
    ]


def refusing(counts: list[int]) -> list[FeedMark]:
    deliveries = [
        delivery(day, rows=1000, refused=(Refusals("closed before it was opened", count, "..."),) if count else ())
        for day, count in enumerate(counts)
    ]
    return refused.judge_feed(feed(*deliveries))


def test_more_refused_rows_than_usual_are_told() -> None:
    """One in a thousand may be overlooked; 5, then 9 after a usual of 5 too; 30 is amber, 100 is a tenth and red."""
    assert [one.mark.light for one in refusing([1, 1])] == []
    found = refusing([5, 5, 5, 9, 30, 100])
    assert [(one.mark.end, one.mark.light) for one in found] == [
        (at(), Light.AMBER),
        (at(days=4), Light.AMBER),
        (at(days=5), Light.RED),
    ]


def station(name: str, longitude: float, latitude: float, *, id_: str = "", first: float = 0) -> Site:
    place = Place(id_ or f"s:{name}", "station", name, point(longitude, latitude))
    return Site(place, at(days=first), at(days=4))


CITY = tuple(station(f"n{i}{j}", 2.3 + i / 100, 48.8 + j / 100) for i in range(5) for j in range(5))


def placed(*sites: Site) -> list[tuple[str, Light]]:
    given = feed(sites=(*CITY, *sites))
    names = {one.series.number: one.series.place for one in given.records}
    return [
        (names[number], one.mark.light)
        for one in places.judge_feed(given)
        for number in dict.fromkeys(one.series or ())
    ]


def test_a_city_of_25_stations_is_quiet() -> None:
    """A grid a kilometre wide has nothing to tell."""
    assert placed() == []


def test_nowhere_and_far_away() -> None:
    """A station at (0, 0) is red; one in another country is amber; one in the suburbs is neither."""
    found = placed(station("null", 0, 0), station("far", 13.4, 52.5), station("suburb", 2.6, 48.9))
    assert sorted(found) == [("s:far", Light.AMBER), ("s:null", Light.RED)]


def test_a_slip_of_the_pen() -> None:
    """A code without a place, one character from a code that has one, is red; an unlike one is amber."""
    slip = Site(Place("s:n4x", "station", "n4x"), at(), at(days=4))
    other = Site(Place("s:elsewhere", "station", "elsewhere"), at(), at(days=4))
    assert sorted(placed(slip, other)) == [("s:elsewhere", Light.AMBER), ("s:n4x", Light.RED)]


def test_one_station_under_two_ids() -> None:
    """The same name at the same point under a number and, later, a UUID: amber on both; far apart it is two places."""
    uuid = "s:840ab61e-f6aa-4174-9881-5d57201ce1b9"
    pair = (station("x", 2.31, 48.81, id_="s:583"), station("x", 2.31, 48.81, id_=uuid, first=2))
    assert sorted(placed(*pair)) == [("s:583", Light.AMBER), (uuid, Light.AMBER)]
    assert placed(station("y", 2.31, 48.81, id_="s:1"), station("y", 2.34, 48.84, id_="s:22")) == []


def test_an_id_given_to_another_place() -> None:
    """It is amber, from the last description of the one to the first of the other."""
    old, new = station("old", 2.31, 48.81, id_="s:7"), station("new", 2.34, 48.84, id_="s:7", first=5)
    assert placed(old, new) == [("s:7", Light.AMBER)]


def test_autolib_s_typing_error() -> None:
    """75112 is 75012 with a slip: the only code of the feed that no area knows."""
    found = places.judge_feed(real.shipped("paris", "autolib-events"))
    assert [(one.mark.evidence["id"], one.mark.light) for one in found] == [("postal-code:75112", Light.RED)]
    assert "postal-code:75012" in found[0].mark.evidence["near"]


def test_sf_311_s_negative_durations() -> None:
    """Requests closed before they were opened are refused, and the share of them is told."""
    for feed_id in ("sf311-sample-a", "sf311-sample-b"):
        (found,) = refused.judge_feed(real.shipped("san-francisco", feed_id))
        assert any("before it was opened" in one["reason"] for one in found.mark.evidence["reasons"])


@pytest.mark.usefixtures("shared_data")
def test_bay_wheels_places() -> None:
    """One station lies at (0, 0); some names stand there under a number and a UUID."""
    found = places.judge_feed(real.baywheels())
    assert [one.mark.reason["en"][:17] for one in found if one.mark.light is Light.RED] == ["MTL-LAB-SF-ECO5-2"]
    assert any("Folsom St at Main St" in one.mark.reason["en"] for one in found)


@pytest.mark.usefixtures("shared_data")
def test_smart_bins_repeated_days() -> None:
    """160 bin-days stand more than once (`sort | uniq -d` of bin and day), two of them with unlike values."""
    found = duplicates.judge_feed(real.bins())
    assert len(found) == 160
    assert sum(one.mark.light is Light.RED for one in found) == 2
    assert all(one.mark.end - one.mark.start <= timedelta(hours=25) for one in found)
