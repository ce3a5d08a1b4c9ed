"""SFpark garages: entries and exits by kind of use over local days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed

HEADER = "Usage Type,date,entries,exits,facility,district\n"
LINE = "Transient,4/1/2011,189,161,16th and Hoff Garage,Mission\n"


def test_a_line_is_entries_and_exits(parse: Callable[..., Parsed]) -> None:
    """Two counts with the kind of use as facet; the garage has no geometry and its district as area."""
    parsed = parse("sfpark-garages", HEADER + LINE)
    assert [(row["quantity"], row["facet"], row["value"]) for row in parsed.observations.to_pylist()] == [
        ("parking_entries", "transient", 189),
        ("parking_exits", "transient", 161),
    ]
    (place,) = parsed.places
    assert (place.id, place.name, place.geometry) == ("garage:16th-and-hoff-garage", "16th and Hoff Garage", None)
    assert place.areas == {"sfpark_district": "Mission"}


def test_clock_changes_make_23_and_25_hours(parse: Callable[..., Parsed]) -> None:
    """13 March 2011 has 23 hours in California, 6 November 2011 25."""
    lines = "".join(LINE.replace("4/1/2011", day) for day in ("3/13/2011", "11/6/2011"))
    rows = parse("sfpark-garages", HEADER + lines).observations.to_pylist()
    assert [row["end"] - row["start"] for row in rows[::2]] == [timedelta(hours=23), timedelta(hours=25)]


def test_the_totals_are_those_of_the_file(parse: Callable[..., Parsed]) -> None:
    """zcat | awk -F, 'NR > 1 { e += $3; x += $4 } END { print e, x }' gives 14195214 13996282."""
    path = find_data_file("sfpark/sfpark_garages_daily.csv.gz")
    rows = parse("sfpark-garages", path.read_bytes()).observations.to_pylist()
    totals = {
        name: sum(row["value"] for row in rows if row["quantity"] == name)
        for name in ("parking_entries", "parking_exits")
    }
    assert totals == {"parking_entries": 14195214, "parking_exits": 13996282}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Transient", "", "use '' of garage"),
        ("Mission", "", "in district ''"),
        ("4/1/2011", "2011-04-01", "date '2011-04-01' is not month/day/year"),
        ("189", "189.5.1", "entries is '189.5.1', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(old: str, new: str, says: str, parse: Callable[..., Parsed]) -> None:
    """A line without its garage, use or day, and a value that is no number, are refused and quoted."""
    assert says in parse("sfpark-garages", HEADER + LINE.replace(old, new)).refused["reason"][0].as_py()
