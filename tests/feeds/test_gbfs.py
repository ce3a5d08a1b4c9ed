"""GBFS: states and places of stations in every version and in Vélib's dialect; single vehicles never enter."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Feed, Parsed, Request
from passerelle.model.errors import InvalidValueError, ReplyError

Parse = Callable[..., Parsed]

RECORDED = Path(__file__).parent / "recorded" / "gbfs"
REPLAY = "velib/velib_centre_2022-05-12_2022-06-02.jsonl.gz"
STANDARD = {"system": "s", "holds_seconds": 60}


def status(*stations: dict[str, Any], **document: Any) -> str:
    return json.dumps({"last_updated": 1_700_000_000, "ttl": 60, "data": {"stations": list(stations)}, **document})


def station(**changes: Any) -> dict[str, Any]:
    usual = {"station_id": "7", "num_bikes_available": 3, "last_reported": 1_700_000_000}
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def place(**changes: Any) -> dict[str, Any]:
    usual = {"station_id": "7", "name": "Quai", "lat": 48.85, "lon": 2.35, "capacity": 20}
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def totals(parsed: Parsed) -> dict[tuple[str, str], float]:
    frame = pl.DataFrame(pl.from_arrow(parsed.observations))
    return {tuple(key): value for *key, value in frame.group_by("quantity", "facet").agg(pl.sum("value")).iter_rows()}


def reasons(parsed: Parsed) -> list[str]:
    return parsed.refused["reason"].to_pylist()


def test_velibs_status_is_read(shared_data: Path, parse: Parse) -> None:
    """Seven states of each of 1,439 stations, with the sums that `jq` finds in the reply."""
    body = (shared_data / "mobility/gbfs_samples/paris_velib_2022-02/station_status.json").read_bytes()
    parsed = parse("velib-status", body)
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 1_439 * 7, 0)
    # jq '[.data.stations[].num_bikes_available] | add', and so on; by jq's group_by 8 stations are not installed
    # and 16 are, but neither rent nor take back: 1,439 - 8 - 16 = 1,415.
    assert totals(parsed) == {
        ("bikeshare_bikes_available", ""): 13_960,
        ("bikeshare_bikes_available", "ebike"): 4_634,
        ("bikeshare_bikes_available", "mechanical"): 13_960 - 4_634,
        ("bikeshare_docks_available", ""): 29_102,
        ("bikeshare_station_in_service", "installed"): 1_439 - 8,
        ("bikeshare_station_in_service", "renting"): 1_415,
        ("bikeshare_station_in_service", "returning"): 1_415,
    }


def test_bay_wheels_status_is_read(shared_data: Path, parse: Parse) -> None:
    """GBFS 1: eight states of each of 496 stations, with the sums that `jq` finds in the reply."""
    body = (shared_data / "mobility/gbfs_samples/sf_baywheels_2022-08-07/station_status.json").read_bytes()
    parsed = parse("baywheels-status", body)
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (496 * 8, 0)
    found = totals(parsed)
    assert found["bikeshare_bikes_available", ""] == 4_671
    assert found["bikeshare_bikes_available", "ebike"] == 843
    assert found["bikeshare_docks_available", ""] == 6_151
    assert found["bikeshare_bikes_disabled", ""] == 306
    assert found["bikeshare_station_in_service", "renting"] == 491


@pytest.mark.parametrize(
    ("feed", "folder", "stations", "capacity"),
    [
        ("velib-stations", "paris_velib_2022-02", 1_439, 44_954),
        ("baywheels-stations", "sf_baywheels_2022-08-07", 496, 11_197),
    ],
)
def test_station_information_gives_places_and_capacity(
    feed: str, folder: str, stations: int, capacity: int, shared_data: Path, parse: Parse
) -> None:
    """A place with a point for each station; capacities add up to what `jq` finds."""
    parsed = parse(feed, (shared_data / "mobility/gbfs_samples" / folder / "station_information.json").read_bytes())
    assert (len(parsed.places), parsed.observations.num_rows, parsed.refused.num_rows) == (stations, stations, 0)
    assert all(one.geometry for one in parsed.places)
    assert totals(parsed) == {("bikeshare_capacity", ""): capacity}


def test_both_documents_name_the_same_places(shared_data: Path, parse: Parse) -> None:
    """Status and information of a system meet at the same places, whatever their form and order."""
    for name, folder in (("velib", "paris_velib_2022-02"), ("baywheels", "sf_baywheels_2022-08-07")):
        samples = shared_data / "mobility/gbfs_samples" / folder
        states = parse(f"{name}-status", (samples / "station_status.json").read_bytes())
        described = parse(f"{name}-stations", (samples / "station_information.json").read_bytes())
        assert set(states.observations["place"].to_pylist()) == {one.id for one in described.places}


def test_a_cut_of_the_recorded_status(parse: Parse) -> None:
    """A state begins when its station reported and holds an hour; the station silent since 2019 says so."""
    parsed = parse("velib-status", (RECORDED / "velib_station_status.json").read_bytes())
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (14 * 7, 0)
    assert totals(parsed)["bikeshare_bikes_available", ""] == 98  # jq
    rows = [row for row in parsed.observations.to_pylist() if row["place"] == "velib:44009"]
    # date -u -d @1558078109
    assert {row["start"] for row in rows} == {datetime(2019, 5, 17, 7, 28, 29, tzinfo=UTC)}
    assert {row["end"] - row["start"] for row in rows} == {timedelta(hours=1)}


def test_a_cut_of_the_recorded_information(parse: Parse) -> None:
    """The station at its point, by its code; its capacity from when the document was updated."""
    parsed = parse("velib-stations", (RECORDED / "velib_station_information.json").read_bytes())
    third = parsed.places[2]
    assert (third.id, third.kind, third.name) == ("velib:9020", "station", "Toudouze - Clauzel")
    assert third.centre == (2.3373600840568547, 48.87929591733507)
    assert totals(parsed) == {("bikeshare_capacity", ""): 400}  # jq
    # date -u -d @1645804786
    assert set(parsed.observations["start"].to_pylist()) == {datetime(2022, 2, 25, 15, 59, 46, tzinfo=UTC)}


FIXTURES = {
    # date -u -d @1751437263; counts and names of the standard's own fixtures, read by eye.
    "v2.3": (
        datetime(2025, 7, 2, 6, 21, 3, tzinfo=UTC),
        {"": 7, "TST:VehicleType:Scooter": 3, "TST:VehicleType:CityBike": 4},
        "Cool bikes",
    ),
    "v3.0": (
        datetime(2019, 7, 4, 13, 33, 3, 969_000, tzinfo=UTC),
        {"": 0, "ebicycle_paris": 0, "escooter_paris": 0},
        "2 ROUES",
    ),
    "v3.1-RC3": (
        datetime(2023, 7, 17, 11, 34, 13, tzinfo=UTC),
        {"": 7, "abc123": 3, "def456": 4},
        "Parking garage A",
    ),
}


@pytest.mark.parametrize("version", FIXTURES)
def test_later_versions_are_read(version: str, shared_data: Path, parse: Parse) -> None:
    """Numbers or RFC 3339, bikes or vehicles, names in several languages: the standard's fixtures of 2.3 to 3.1."""
    starts, bikes, name = FIXTURES[version]
    folder = shared_data / "replies" / f"gbfs_{version}"
    states = parse("baywheels-status", (folder / "station_status.json").read_bytes(), parameters=STANDARD)
    assert set(states.observations["start"].to_pylist()) == {starts}
    found = {facet: value for (what, facet), value in totals(states).items() if what == "bikeshare_bikes_available"}
    assert found == bikes
    described = parse("baywheels-stations", (folder / "station_information.json").read_bytes(), parameters=STANDARD)
    assert states.refused.num_rows == described.refused.num_rows == 0
    assert described.places[0].name == name


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v2.3", "v3.0", "v3.1-RC3"])
def test_every_versions_members_are_read(version: str, shared_data: Path, parse: Parse) -> None:
    """A station with each number and flag that the version's own schema lists, all 1, gives a row for each."""
    schema = json.loads((shared_data / "shapes/gbfs" / version / "station_status.json").read_text(encoding="utf-8"))
    members = schema["properties"]["data"]["properties"]["stations"]["items"]["properties"]
    numbers = {name: 1 for name, told in members.items() if name.startswith("is_") or told.get("type") == "integer"}
    numbers.pop("last_reported", None)
    parsed = parse("baywheels-status", status(station(**{"num_bikes_available": ..., **numbers})), parameters=STANDARD)
    # Available and disabled vehicles and docks, and three flags, in every version.
    assert (len(numbers), parsed.observations.num_rows, parsed.refused.num_rows) == (7, 7, 0)


def test_the_replay_is_read_whole(parse: Parse) -> None:
    """489 replies give the states and capacities that `jq` counts, none refused, each known after it was so."""
    counted: Counter[str] = Counter()
    for line in gzip.decompress(find_data_file(REPLAY).read_bytes()).splitlines():
        reply = json.loads(line)
        parsed = parse("velib-replay", json.dumps(reply["body"]), received=datetime.fromisoformat(reply["received"]))
        assert parsed.refused.num_rows == 0
        assert all(
            start <= datetime.fromisoformat(reply["received"]) for start in parsed.observations["start"].to_pylist()
        )
        counted.update(parsed.observations["quantity"].to_pylist())
    # 40,393 states, each of all bikes, two kinds and docks; 84 + 21 + 84 + 66 + 84 + 81 + 84 + 85 capacities.
    assert counted == {
        "bikeshare_bikes_available": 40_393 * 3,
        "bikeshare_docks_available": 40_393,
        "bikeshare_capacity": 589,
    }


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1_700_000_000.0, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1_700_000_000_250, datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T23:13:20+01:00", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T22:13:20.5Z", datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_each_way_it_is_written(written: Any, means: datetime, parse: Parse) -> None:
    """Seconds, milliseconds and RFC 3339 name the same instant."""
    parsed = parse("baywheels-status", status(station(last_reported=written)))
    assert parsed.observations["start"].to_pylist() == [means]
    described = parse("baywheels-stations", status(place(), last_updated=written))
    assert described.observations["start"].to_pylist() == [means]


@pytest.mark.parametrize(
    "written", [0, -1, 86_400, 1_450_155_599, "2023-11-14T22:13:20", "", None, ..., True, [1_700_000_000]]
)
def test_a_time_that_is_none_refuses_its_station(written: Any, parse: Parse) -> None:
    """Never, 1970 and a clock without an offset are no moment of a state; the station beside it is read."""
    parsed = parse("baywheels-status", status(station(last_reported=written), station(station_id="8")))
    assert parsed.observations["place"].to_pylist() == ["baywheels:8"]
    (reason,) = reasons(parsed)
    assert "is no time since GBFS began" in reason


def test_information_without_a_time_is_refused(parse: Parse) -> None:
    """A capacity needs a moment; without one the document is refused rather than dated by its receipt."""
    for updated in (0, None, "soon"):
        with pytest.raises(ReplyError, match="last_updated"):
            parse("baywheels-stations", status(place(), last_updated=updated))


@pytest.mark.parametrize(
    ("written", "means"), [(1, 1), (0, 0), (True, 1), (False, 0), ("true", 1), ("OUI", 1), ("NON", 0), ("1", 1)]
)
def test_a_flag_is_read_in_each_way_it_is_written(written: Any, means: int, parse: Parse) -> None:
    """0 and 1, truth values and words say the same."""
    parsed = parse("velib-status", status(station(is_renting=written, stationCode="7")))
    assert totals(parsed)["bikeshare_station_in_service", "renting"] == means


def test_a_flag_that_is_neither_refuses_itself_alone(parse: Parse) -> None:
    """An unknown word is refused; the station's counts are read."""
    parsed = parse("baywheels-status", status(station(is_renting="peut-être")))
    assert reasons(parsed) == ["is_renting is 'peut-être', not a number"]
    assert totals(parsed) == {("bikeshare_bikes_available", ""): 3}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_bikes_available": "many"}, "num_bikes_available is 'many', not a number"),
        ({"station_id": ""}, "station_id '' is no id of a station"),
        ({"station_id": ...}, "station_id '' is no id of a station"),
        ({"numBikesAvailable": 4}, "a count and its twin in camel case differ: 4 and 3,  and "),
        ({"num_bikes_available": ..., "num_bikes_available_types": [{"ebike": None}]}, "count is 'None', not a number"),
    ],
)
def test_what_is_no_state_says_why(changes: dict[str, Any], reason: str, parse: Parse) -> None:
    """A count that is none, a station without an id and twins that differ are refused with what came."""
    parsed = parse("baywheels-status", status(station(**changes), station(station_id="8")))
    assert reasons(parsed) == [reason]
    assert parsed.observations["place"].to_pylist() == ["baywheels:8"]


def test_a_list_of_kinds_that_is_none_refuses_itself_alone(parse: Parse) -> None:
    """The whole is read where its kinds can't be."""
    parsed = parse("baywheels-status", status(station(num_bikes_available_types="none")))
    assert reasons(parsed)[0].startswith("num_bikes_available_types: ")
    assert parsed.observations.num_rows == 1


def test_what_is_no_object_is_refused(parse: Parse) -> None:
    """A number among the stations costs itself."""
    parsed = parse("baywheels-status", status(station(), 5))  # type: ignore[arg-type]
    assert (parsed.observations.num_rows, parsed.refused["row"].to_pylist()) == (1, [2])


@pytest.mark.parametrize(
    ("changes", "centre"),
    [
        ({}, (2.35, 48.85)),
        ({"lat": "48.85", "lon": "2.35"}, (2.35, 48.85)),
        ({"lat": 0, "lon": 0}, None),
        ({"lat": 0.0, "lon": 0.0}, None),
        ({"lat": None, "lon": None}, None),
    ],
)
def test_a_station_without_a_position_is_a_place_without_a_point(
    changes: dict[str, Any], centre: tuple[float, float] | None, parse: Parse
) -> None:
    """(0, 0) is nowhere, not a spot in the Gulf of Guinea."""
    parsed = parse("baywheels-stations", status(place(**changes)))
    assert [one.centre for one in parsed.places] == [centre]
    assert parsed.refused.num_rows == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lat": 98.0}, "lat '98.0' and lon '2.35' are no position"),
        ({"lon": "east"}, "lat '48.85' and lon 'east' are no position"),
        ({"lat": None}, "lat '' and lon '2.35' are no position"),
        ({"name": " "}, "a station needs a name"),
    ],
)
def test_what_is_no_place_says_why(changes: dict[str, Any], reason: str, parse: Parse) -> None:
    """A station off the globe, half a position and a station without a name are refused; the next is read."""
    parsed = parse("baywheels-stations", status(place(**changes), place(station_id="8")))
    assert reasons(parsed) == [reason]
    assert [one.id for one in parsed.places] == ["baywheels:8"]


def test_a_name_of_several_languages_gives_its_first(parse: Parse) -> None:
    """GBFS 3 lists texts by language; a name that only looks like a list stays as it is."""
    names = [[{"text": "Quai", "language": "fr"}, {"text": "Quay", "language": "en"}], "[closed] Quai", []]
    parsed = parse(
        "baywheels-stations", status(*(place(station_id=str(at), name=name) for at, name in enumerate(names)))
    )
    assert [one.name for one in parsed.places] == ["Quai", "[closed] Quai", "[]"]


def test_a_system_without_stations_is_read_as_nothing(parse: Parse) -> None:
    """An empty list is an answer."""
    parsed = parse("baywheels-status", status())
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "empty"),
        ("<!DOCTYPE html><html></html>", "markup"),
        ('{"error": "quota"}', "no JSON of the expected shape"),
        ('{"data": {"feeds": []}}', "stations"),
        (status(station())[:-20], "no JSON of the expected shape"),
        (status(station(num_bikes_available=..., num_bikes=3)), r"neither station_status.*num_bikes"),
        (status(place(lat=..., latitude=48.85)), r"neither station_status.*latitude"),
    ],
)
def test_what_is_no_document_is_refused(body: str, says: str, parse: Parse) -> None:
    """Empty, markup, an error with status 200, another document, one cut short, renamed members."""
    with pytest.raises(ReplyError, match=says):
        parse("baywheels-status", body)


@pytest.mark.parametrize("parameter", ["system", "holds_seconds"])
def test_a_feed_says_its_system_and_how_long_a_state_holds(
    parameter: str, feeds: dict[str, Feed], parse: Parse
) -> None:
    """Neither is guessed."""
    parameters = {name: value for name, value in feeds["velib-status"].parameters.items() if name != parameter}
    with pytest.raises(InvalidValueError, match=parameter):
        parse("velib-status", (RECORDED / "velib_station_status.json").read_bytes(), parameters=parameters)


@pytest.mark.parametrize(
    "document", ["gbfs_v2.3/free_bike_status", "gbfs_v3.0/vehicle_status", "gbfs_v3.1-RC3/vehicle_availability"]
)
def test_single_vehicles_are_refused_at_the_door(document: str, shared_data: Path) -> None:
    """Plain or packed, a document with ids of vehicles leaves nothing to keep."""
    body = (shared_data / "replies" / f"{document}.json").read_bytes()
    scrub = FORMS["gbfs"].scrub
    assert scrub is not None
    for sent in (body, gzip.compress(body)):
        with pytest.raises(ReplyError, match="single vehicles"):
            scrub(sent)


def test_stations_pass_the_door_unchanged() -> None:
    """What holds no vehicle is kept byte for byte; so are an empty reply and a broken one."""
    scrub = FORMS["gbfs"].scrub
    assert scrub is not None
    for body in (*(path.read_bytes() for path in RECORDED.glob("*.json")), b"", b" ", b'{"data": '):
        assert scrub(body) == body


def test_the_feeds_address_is_asked(feeds: dict[str, Feed]) -> None:
    """The document itself is asked for, with nothing added."""
    feed = feeds["baywheels-status"]
    assert FORMS["gbfs"].request(feed) == Request("https://gbfs.lyft.com/gbfs/2.3/bay/en/station_status.json")
