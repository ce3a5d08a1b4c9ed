"""Autolib' stations: five states over the interval that the reply stands for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

HEADER = "ID,Public name,Geo point,Bluecar counter,Utilib counter,Utilib 1.4 counter,Slots,Charge Slots\n"
LINE = 'paris-voltaire-106,Paris/Voltaire/106,"48.8592806, 2.3773563",1,0,2,4,3\n'
RECEIVED = datetime(2018, 3, 1, 8, tzinfo=UTC)


def test_a_station_has_five_states(parse: Callable[..., Parsed]) -> None:
    """Vehicles by model, free slots and free charging slots, at the station's point."""
    parsed = parse("autolib-stations", HEADER + LINE)
    values = {(row["quantity"], row["facet"]): row["value"] for row in parsed.observations.to_pylist()}
    assert values == {
        ("carshare_vehicles_available", "bluecar"): 1,
        ("carshare_vehicles_available", "utilib"): 0,
        ("carshare_vehicles_available", "utilib_14"): 2,
        ("carshare_slots_free", ""): 4,
        ("carshare_charge_slots_free", ""): 3,
    }
    (place,) = parsed.places
    assert (place.id, place.name) == ("autolib:paris-voltaire-106", "Paris/Voltaire/106")
    assert place.centre == (2.3773563, 48.8592806)


def test_semicolons_are_read_too(parse: Callable[..., Parsed]) -> None:
    """The French form of the same file, with `;`, says the same."""
    other = (HEADER + LINE).replace(", 2.37", "# 2.37").replace(",", ";").replace("#", ",")
    assert parse("autolib-stations", other).observations.equals(parse("autolib-stations", HEADER + LINE).observations)


def test_a_dated_recording_is_its_local_day(parse: Callable[..., Parsed]) -> None:
    """A recording dated to the day holds at an unknown moment of it: 23:00 UTC to 23:00 UTC in winter."""
    (row, *_) = parse(
        "autolib-stations", HEADER + LINE, name="autolib_snapshot_2018-02-23.csv"
    ).observations.to_pylist()
    assert (row["start"], row["end"]) == (
        datetime(2018, 2, 22, 23, tzinfo=UTC),
        datetime(2018, 2, 23, 23, tzinfo=UTC),
    )


def test_a_live_answer_holds_from_its_receipt(parse: Callable[..., Parsed]) -> None:
    """Without a date in its name the reply holds from when it came, for one cadence of the feed."""
    (row, *_) = parse(
        "autolib-stations", HEADER + LINE, name="", received=RECEIVED, cadence_seconds=300
    ).observations.to_pylist()
    assert (row["start"], row["end"]) == (RECEIVED, RECEIVED + timedelta(minutes=5))


def test_a_reply_without_date_and_cadence_is_refused(parse: Callable[..., Parsed]) -> None:
    """Where nothing says how long the states hold, nothing is assumed."""
    with pytest.raises(ReplyError, match="a date in its name or a cadence"):
        parse("autolib-stations", HEADER + LINE, name="stations.csv")


def test_a_date_that_is_none_refuses_the_reply(parse: Callable[..., Parsed]) -> None:
    """A name with the 31st of February is not guessed at."""
    with pytest.raises(ReplyError, match="2018-02-31"):
        parse("autolib-stations", HEADER + LINE, name="snapshot_2018-02-31.csv")


@pytest.mark.parametrize("point", ["", "48.85", "98.1, 2.3", "2.3; 48.8", "a, b"])
def test_a_station_without_a_point_is_refused(point: str, parse: Callable[..., Parsed]) -> None:
    """What is no latitude and longitude refuses the line and is quoted."""
    parsed = parse("autolib-stations", HEADER + LINE.replace("48.8592806, 2.3773563", point))
    assert [row["reason"] for row in parsed.refused.to_pylist()] == [f"'{point}' is not a latitude and a longitude"]


def test_a_quote_swallows_no_line(parse: Callable[..., Parsed]) -> None:
    """A stray quote costs its own line; the next one is read."""
    parsed = parse("autolib-stations", HEADER + LINE.replace("Paris/Voltaire", '"Paris') + LINE)
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (5, 1)
