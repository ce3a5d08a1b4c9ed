"""Autolib' daily events: counts, local days and the publisher's slips left as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed

BLUECARS = ("carshare_pickups", "bluecar")
HEADER = (
    "Postal code,date,n_daily_data_points,dayOfWeek,day_type,BlueCars_taken_sum,BlueCars_returned_sum,"
    "Utilib_taken_sum,Utilib_returned_sum,Utilib_14_taken_sum,Utilib_14_returned_sum,Slots_freed_sum,Slots_taken_sum\n"
)


def test_a_line_is_nine_counts(parse: Callable[..., Parsed]) -> None:
    """Pick-ups and returns by model, slots freed and taken, and how many snapshots there were."""
    parsed = parse("autolib-events", HEADER + "75001,1/1/2018,1440,0,weekday,110,103,3,2,10,9,22,20\n")
    values = {(row["quantity"], row["facet"]): row["value"] for row in parsed.observations.to_pylist()}
    assert values == {
        ("carshare_snapshots", ""): 1440,
        ("carshare_pickups", "bluecar"): 110,
        ("carshare_returns", "bluecar"): 103,
        ("carshare_pickups", "utilib"): 3,
        ("carshare_returns", "utilib"): 2,
        ("carshare_pickups", "utilib_14"): 10,
        ("carshare_returns", "utilib_14"): 9,
        ("carshare_slots_freed", ""): 22,
        ("carshare_slots_taken", ""): 20,
    }


def test_days_are_local(parse: Callable[..., Parsed]) -> None:
    """A winter day begins at 23:00 UTC, the day of the spring change has 23 hours, the autumn one 25."""
    rest = "1440,0,weekday,1,1,1,1,1,1,1,1\n"
    lines = "".join(f"75001,{day},{rest}" for day in ("1/1/2018", "3/25/2018", "10/28/2018"))
    parsed = parse("autolib-events", HEADER + lines)
    spans = sorted({(row["start"], row["end"]) for row in parsed.observations.to_pylist()})
    assert spans == [
        (datetime(2017, 12, 31, 23, tzinfo=UTC), datetime(2018, 1, 1, 23, tzinfo=UTC)),
        (datetime(2018, 3, 24, 23, tzinfo=UTC), datetime(2018, 3, 25, 22, tzinfo=UTC)),
        (datetime(2018, 10, 27, 22, tzinfo=UTC), datetime(2018, 10, 28, 23, tzinfo=UTC)),
    ]


def test_slips_are_kept(parse: Callable[..., Parsed]) -> None:
    """75112, a slip for 75012, is a place without geometry beside the true one; 75116 shares the shape of 75016."""
    path = find_data_file("autolib/autolib_daily_events_postal_code_2018-01-01_2018-05-08.csv")
    places = {place.name.split()[0]: place for place in parse("autolib-events", path.read_bytes()).places}
    assert [code for code, place in places.items() if place.geometry is None] == ["75112"]
    assert places["75012"].name == "75012 Paris 12e Arrondissement"
    assert places["75116"].geometry == places["75016"].geometry


def test_about_13000_pickups_a_day(parse: Callable[..., Parsed]) -> None:
    """Bluecars make about 13,000 pick-ups a day (the collection's README); 125 of 128 days are recorded."""
    path = find_data_file("autolib/autolib_daily_events_postal_code_2018-01-01_2018-05-08.csv")
    rows = parse("autolib-events", path.read_bytes()).observations.to_pylist()
    pickups = sum(row["value"] for row in rows if (row["quantity"], row["facet"]) == BLUECARS)
    assert len({row["start"] for row in rows}) == 125
    # awk -F, 'NR > 1 { a += $6 } END { print a }' gives 1610318.
    assert pickups == 1_610_318
    assert 12_500 <= pickups / 125 <= 13_500


def test_what_cannot_be_read_is_refused_by_value(parse: Callable[..., Parsed]) -> None:
    """A bad code or date refuses its line, a bad number itself alone; each refusal quotes what came."""
    parsed = parse(
        "autolib-events",
        HEADER
        + "7500,1/1/2018,1440,0,weekday,1,1,1,1,1,1,1,1\n"
        + "75001,2018-01-01,1440,0,weekday,1,1,1,1,1,1,1,1\n"
        + "75001,2/29/2018,1440,0,weekday,1,1,1,1,1,1,1,1\n"
        + "75001,1/1/12018,1440,0,weekday,1,1,1,1,1,1,1,1\n"
        + "75001,1/1/2018,1440,0,weekday,n/a,1,1,1,1,1,1,\n"
        + "75001,1/1/2018,1440\n",
    )
    assert [(row["row"], row["reason"]) for row in parsed.refused.to_pylist()] == [
        (1, "'7500' is not a postal code"),
        (2, "date '2018-01-01' is not month/day/year"),
        (3, "date '2/29/2018' is not month/day/year"),
        (4, "date '1/1/12018' is not month/day/year"),
        (5, "BlueCars_taken_sum is 'n/a', not a number"),
        (5, "Slots_taken_sum is '', not a number"),
        (6, "not 13 values separated by ','"),
    ]
    assert parsed.observations.num_rows == 7
    assert parsed.refused["raw"][6].as_py() == "75001,1/1/2018,1440"
