"""EPANET: networks as places, readings at their instruments, and drawings that lie nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

FORM = FORMS["epanet"]
READINGS = {
    **dict.fromkeys(("p227", "p235", "PUMP_1"), "water_pipe_flow"),
    "T1": "water_tank_level",
}
SAID: dict[str, Any] = {"network": "ltown", "readings": READINGS, "holds": 300}
NETWORK = """[TITLE]
a town
[PIPES]
;ID  Node1  Node2
 1   1      2     10  100 ;a pipe named as a node
 p2  2      R     10  100
[JUNCTIONS]
 1   0
 2   0
[RESERVOIRS]
 R   100
[COORDINATES]
 1   0     0
 2   1000  0
 R   1000  500
[VERTICES]
 1   500   100
[END]
"""

Read = Callable[..., Parsed]


@pytest.fixture(scope="module")
def feed(feeds: dict[str, Feed]) -> Feed:
    """A feed of L-Town in this form; its clock doesn't change."""
    return replace(
        feeds["bike-counters"], form=FORM.name, quantities=FORM.quantities, parameters=SAID, time_zone=ZoneInfo("UTC")
    )


@pytest.fixture(scope="module")
def read(feed: Feed) -> Read:
    """`read(body, origin=...)`: what the form reads."""

    def read(body: bytes | str, **changes: Any) -> Parsed:
        data = body.encode() if isinstance(body, str) else body
        return FORM.parse(Reply(data, datetime(2019, 7, 1, tzinfo=UTC)), replace(feed, parameters={**SAID, **changes}))

    return read


def test_nodes_and_links_are_places(read: Read) -> None:
    """Junctions, reservoirs and pipes, whatever the order of sections; a link may have a node's name."""
    parsed = read(NETWORK)
    assert [(place.id, place.kind) for place in parsed.places] == [
        ("ltown:node-1", "junction"),
        ("ltown:node-2", "junction"),
        ("ltown:node-R", "reservoir"),
        ("ltown:link-1", "pipe"),
        ("ltown:link-p2", "pipe"),
    ]
    assert {place.geometry for place in parsed.places} == {None}
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (0, 0)


def test_a_drawing_in_metres_lies_where_its_origin_does(read: Read) -> None:
    """1000 m east on the equator are 1000 / 6371008.8 radians, 0.00899320 degrees; the pipe bends at (500, 100)."""
    places = {place.id: place for place in read(NETWORK, origin=[10.0, 0.0]).places}
    assert places["ltown:node-2"].geometry == {
        "type": "Point",
        "coordinates": (pytest.approx(10.00899320, abs=1e-8), 0.0),
    }
    assert places["ltown:link-1"].geometry == {
        "type": "LineString",
        "coordinates": (
            (10.0, 0.0),
            (pytest.approx(10.00449660, abs=1e-8), pytest.approx(0.00089932, abs=1e-8)),
            (pytest.approx(10.00899320, abs=1e-8), 0.0),
        ),
    }
    # At 60 degrees north a degree of longitude is half as long.
    north = {place.id: place for place in read(NETWORK, origin=[10.0, 60.0]).places}
    assert north["ltown:node-2"].centre == (pytest.approx(10.01798640, abs=1e-8), 60.0)


def test_a_drawing_in_degrees_is_where_it_says(read: Read) -> None:
    """Coordinates of a network whose backdrop is in degrees are longitude and latitude; others of it are refused."""
    degrees = re.sub(r"1000|500", "5", NETWORK).replace("[END]", "[BACKDROP]\n UNITS Degrees\n[END]")
    assert {place.id: place.centre for place in read(degrees).places}["ltown:node-R"] == (5.0, 5.0)
    outside = read(NETWORK.replace("[END]", "[BACKDROP]\n UNITS Degrees\n[END]"))
    assert Counter(row["reason"] for row in outside.refused.to_pylist()) == {"no position on Earth": 3}


@pytest.mark.parametrize(
    ("old", "new", "row", "says"),
    [
        ("p2  2      R", "p2  2      X", 6, "joins ['2', 'X'], of which one is no node"),
        ("p2  2      R     10  100", "p2  2", 6, "joins ['2'], of which one is no node"),
        ("p2  2 ", "1   2 ", 6, "'1' stands in the network already"),
        (" 2   0\n", " 1   0\n", 9, "'1' stands in the network already"),
    ],
)
def test_what_joins_nothing_is_refused(old: str, new: str, row: int, says: str, read: Read) -> None:
    """A link without both its nodes, or a name that stands twice, is refused with its line."""
    assert NETWORK.count(old) == 1
    refused = {one["row"]: one["reason"] for one in read(NETWORK.replace(old, new)).refused.to_pylist()}
    assert says in refused[row]


def test_a_network_without_its_end_was_cut(read: Read) -> None:
    """EPANET writes [END] last."""
    with pytest.raises(ReplyError, match="cut short"):
        read(NETWORK.removesuffix("[END]\n"))


def test_readings_hold_until_the_next(read: Read) -> None:
    """A decimal comma, three links and five minutes."""
    parsed = read("Timestamp;p227;p235;PUMP_1\n2019-01-01 00:00:00;88,14;90,89;44,02\n")
    rows = parsed.observations.to_pylist()
    assert [(row["place"], row["value"]) for row in rows] == [
        ("ltown:link-p227", 88.14),
        ("ltown:link-p235", 90.89),
        ("ltown:link-PUMP_1", 44.02),
    ]
    assert {row["end"] - row["start"] for row in rows} == {timedelta(minutes=5)}
    (level,) = read("Timestamp;T1\n2019-01-01 00:00:00;3,41\n").observations.to_pylist()
    assert (level["place"], level["quantity"], level["value"]) == ("ltown:node-T1", "water_tank_level", 3.41)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2019-13-01 00:00:00;1;1;1\n", "no time of the clock"),
        ("2019-01-01 00:00:00;1.5;1;1\n", "p227 is '1.5', not a number"),
        ("2019-01-01 00:00:00;;1;1\n", "p227 is '', not a number"),
        ("2019-01-01 00:00:00;1;1\n", "not 4 values"),
    ],
)
def test_a_reading_that_is_none_is_refused(line: str, says: str, read: Read) -> None:
    """A decimal point is no decimal comma; times are year-month-day hour:minute:second."""
    assert says in read("Timestamp;p227;p235;PUMP_1\n" + line).refused["reason"][0].as_py()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Timestamp;p1\n", "columns of .* are expected"),
        ("Timestamp;p227;p1\n", r"columns \['p1'\] are of no instrument"),
        ("p227\n", "columns"),
        ("", "is empty"),
        ("<html>", "is markup"),
    ],
)
def test_another_table_is_refused(body: str, says: str, read: Read) -> None:
    """Columns that the feed's readings don't name are of another feed."""
    with pytest.raises(ReplyError, match=says):
        read(body)


@pytest.mark.parametrize(
    "changes", [{"holds": 0}, {"network": ""}, {"readings": {"p1": "bicycle_count"}}, {"origin": "here"}, {"x": 1}]
)
def test_parameters_are_checked(changes: dict[str, Any], feed: Feed) -> None:
    """What the form needs to know is checked when a city file is read."""
    assert FORM.check is not None
    FORM.check(feed)
    with pytest.raises(InvalidValueError):
        FORM.check(replace(feed, parameters={**SAID, **changes}))


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        # `awk` between headings, lines that aren't blank or comments.
        (
            "water_ltown_battledim/L-TOWN.inp",
            {"junction": 782, "reservoir": 2, "tank": 1, "pipe": 905, "pump": 1, "valve": 3},
        ),
        ("water_networks_wntr/Net3.inp", {"junction": 92, "reservoir": 2, "tank": 3, "pipe": 117, "pump": 2}),
        ("water_leakdb_hanoi/Hanoi_CMH.inp", {"junction": 31, "reservoir": 1, "pipe": 34}),
    ],
)
def test_real_networks_are_whole(file: str, counts: dict[str, int], read: Read, shared_data: Path) -> None:
    """As many places of each kind as the sections have lines, none refused; with an origin all have a geometry."""
    parsed = read((shared_data / "sectors" / file).read_bytes(), origin=[0.0, 0.0])
    assert Counter(place.kind for place in parsed.places) == counts
    assert parsed.refused.num_rows == 0
    assert all(place.geometry for place in parsed.places)


def test_real_readings_add_up(read: Read, shared_data: Path) -> None:
    """L-Town: 52,128 times of three flows and a level; by awk p227 adds up to 5,624,920.59 and T1 to 164,478.89."""
    folder = shared_data / "sectors/water_ltown_battledim"
    network = {place.id for place in read((folder / "L-TOWN.inp").read_bytes()).places}
    flows = read((folder / "2019_Flows.csv").read_bytes())
    levels = read((folder / "2019_Levels.csv").read_bytes())
    assert (flows.observations.num_rows, levels.observations.num_rows) == (3 * 52_128, 52_128)
    assert flows.refused.num_rows + levels.refused.num_rows == 0
    p227 = flows.observations.filter(pc.field("place") == "ltown:link-p227")
    assert pc.sum(p227["value"]).as_py() == pytest.approx(5_624_920.59)
    assert pc.sum(levels.observations["value"]).as_py() == pytest.approx(164_478.89)
    observed = {*flows.observations["place"].unique().to_pylist(), *levels.observations["place"].unique().to_pylist()}
    assert observed == {"ltown:link-p227", "ltown:link-p235", "ltown:link-PUMP_1", "ltown:node-T1"}
    assert observed <= network
