"""Opendatasoft: one mapping for a dataset, whichever answer of the platform comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

FORM = FORMS["opendatasoft"]

# The answer for Vélib' recorded on 23 January 2025, and a bicycle counter's record; both were kept cut to one record.
VELIB = (
    '{"total_count":1473,"results":[{"stationcode":"44015","name":"Rouget de L\'isle - Watteau","is_installed":"OUI",'
    '"capacity":20,"numdocksavailable":20,"numbikesavailable":0,"mechanical":0,"ebike":0,"is_renting":"OUI",'
    '"is_returning":"OUI","duedate":"2025-01-23T14:33:29+00:00","coordonnees_geo":{"lon":2.3963020229163,'
    '"lat":48.778192750803},"nom_arrondissement_communes":"Vitry-sur-Seine","code_insee_commune":"94081"}]}'
)
COUNTER = (
    '[{"id_compteur":"100003096-353242251","nom_compteur":"97 avenue Denfert Rochereau SE-NO","sum_counts":42,'
    '"date":"2026-04-05T14:00:00+02:00","coordinates":{"lon":2.3345,"lat":48.8365},"installation_date":"2019-03-01",'
    '"mois_annee_comptage":"04/2026"}]'
)
STATIONS: dict[str, Any] = {
    "time": {"columns": ["duedate"], "format": "rfc3339", "marks": "instant", "length": "PT10M"},
    "place": {
        "id": "stationcode",
        "prefix": "velib",
        "kind": "station",
        "name": "name",
        "longitude": "coordonnees_geo.lon",
        "latitude": "coordonnees_geo.lat",
    },
    "value": [
        {"column": "numbikesavailable", "quantity": "bikeshare_bikes_available"},
        {"column": "numdocksavailable", "quantity": "bikeshare_docks_available"},
        {"column": "is_renting", "quantity": "bikeshare_station_in_service", "facet": "renting"},
    ],
}
QUANTITIES = ("bikeshare_bikes_available", "bikeshare_docks_available", "bikeshare_station_in_service")
COUNTERS: dict[str, Any] = {
    "time": {"columns": ["date"], "format": "rfc3339", "marks": "start", "length": "PT1H"},
    "place": {
        "id": "id_compteur",
        "prefix": "counter",
        "kind": "counter",
        "name": "nom_compteur",
        "longitude": "coordinates.lon",
        "latitude": "coordinates.lat",
    },
    "value": [{"column": "sum_counts", "quantity": "bicycle_count"}],
}

Read = Callable[..., Parsed]


@pytest.fixture(scope="module")
def feed(feeds: dict[str, Feed]) -> Feed:
    """A feed of Vélib' stations in this form."""
    return replace(feeds["bike-counters"], form=FORM.name, quantities=QUANTITIES, parameters=STATIONS)


@pytest.fixture(scope="module")
def read(feed: Feed) -> Read:
    """`read(body, mapping, quantities)`: what the form reads."""

    def read(body: bytes | str, mapping: dict[str, Any] = STATIONS, quantities: tuple[str, ...] = QUANTITIES) -> Parsed:
        data = body.encode() if isinstance(body, str) else body
        return FORM.parse(
            Reply(data, datetime(2025, 1, 23, tzinfo=UTC)), replace(feed, parameters=mapping, quantities=quantities)
        )

    return read


def said(parsed: Parsed) -> list[tuple[str, str, str, datetime, float]]:
    """The observations as place, quantity, facet, start and value."""
    return [(*tuple(row.values())[:4], row["value"]) for row in parsed.observations.to_pylist()]


def test_the_recorded_answer_is_read(read: Read) -> None:
    """20 docks, no bicycle and "OUI" as 1, from 14:33:29 UTC, at the station's point."""
    parsed = read(VELIB)
    at = datetime(2025, 1, 23, 14, 33, 29, tzinfo=UTC)
    assert said(parsed) == [
        ("velib:44015", "bikeshare_bikes_available", "", at, 0.0),
        ("velib:44015", "bikeshare_docks_available", "", at, 20.0),
        ("velib:44015", "bikeshare_station_in_service", "renting", at, 1.0),
    ]
    (place,) = parsed.places
    assert (place.name, place.centre) == ("Rouget de L'isle - Watteau", (2.3963020229163, 48.778192750803))


def test_every_answer_says_the_same(read: Read) -> None:
    """The same record as an export, as Explore 1 has it and in two kinds of CSV says the same of the same place."""
    record = json.loads(VELIB)["results"][0]
    point = record["coordonnees_geo"]
    old = record | {"coordonnees_geo": [point["lat"], point["lon"]], "is_renting": "true"}
    flat = record | {"coordonnees_geo": f"{point['lat']}, {point['lon']}"}
    answers = [
        json.dumps([record], indent=4),
        json.dumps({"nhits": 1473, "parameters": {}, "records": [{"recordid": "a", "fields": old}]}, indent=2),
        "\ufeff" + ";".join(flat) + "\r\n" + ";".join(str(value) for value in flat.values()) + "\r\n",
        ",".join(flat) + "\n" + ",".join(f'"{value}"' for value in flat.values()) + "\n",
    ]
    expected = read(VELIB)
    for answer in answers:
        parsed = read(answer)
        assert (said(parsed), parsed.places, parsed.refused.num_rows) == (said(expected), expected.places, 0)


def test_a_counters_hour_begins_at_its_date(read: Read) -> None:
    """42 bicycles from 14:00 at UTC+2, so from 12:00 UTC, for an hour."""
    parsed = read(COUNTER, COUNTERS, ("bicycle_count",))
    assert said(parsed) == [
        ("counter:100003096-353242251", "bicycle_count", "", datetime(2026, 4, 5, 12, tzinfo=UTC), 42.0)
    ]
    assert parsed.observations["end"][0].as_py() == datetime(2026, 4, 5, 13, tzinfo=UTC)


def test_the_hour_told_twice_is_told_apart_by_its_offset(read: Read) -> None:
    """02:00 of 25 October 2026 stands at +02:00 and at +01:00: two hours, 00:00 and 01:00 UTC."""
    record = json.loads(COUNTER)[0]
    both = [record | {"date": f"2026-10-25T02:00:00+0{offset}:00"} for offset in (2, 1)]
    parsed = read(json.dumps(both), COUNTERS, ("bicycle_count",))
    assert [start.hour for start in parsed.observations["start"].to_pylist()] == [0, 1]


def test_an_export_is_read_as_the_form_written_for_it(read: Read, parse: Read) -> None:
    """Autolib's 1,119 stations, a real export in CSV: the counts and points that `autolib_stations` reads."""
    body = find_data_file("autolib/autolib_snapshot_2018-02-23.csv").read_bytes()
    mapping = {
        "time": {"columns": ["when"], "format": "%F", "marks": "instant", "length": "P1D"},
        "place": {
            "id": "ID",
            "prefix": "autolib",
            "kind": "station",
            "name": "Public name",
            "longitude": "Geo point.lon",
            "latitude": "Geo point.lat",
        },
        "value": [
            {"column": "Slots", "quantity": "carshare_slots_free"},
            {"column": "Charge Slots", "quantity": "carshare_charge_slots_free"},
        ],
    }
    header, *lines = body.decode().splitlines()
    dated = "\n".join([header + ",when", *(line + ",2018-02-23" for line in lines), ""])
    quantities = ("carshare_slots_free", "carshare_charge_slots_free")
    parsed, oracle = read(dated, mapping, quantities), parse("autolib-stations", body)
    values = {(row[0], row[1], row[4]) for row in said(oracle) if row[1] in quantities}
    assert len(lines) == 1_119
    assert parsed.refused.num_rows == 0
    assert {(row[0], row[1], row[4]) for row in said(parsed)} == values
    assert {(place.id, place.centre) for place in parsed.places} == {
        (place.id, place.centre) for place in oracle.places
    }


def test_explore_1_is_read_as_recorded(read: Read, shared_data: Path) -> None:
    """ODRÉ's real answer, 97 quarter-hours: the values of `consommation` as Python's own JSON reads them, in order."""
    body = (shared_data / "replies/odre_eco2mix/national_tr_2023-09-21.json").read_bytes()
    mapping = {
        "time": {"columns": ["date_heure"], "format": "rfc3339", "marks": "start", "length": "PT15M"},
        "places": [{"id": "country:fr", "kind": "country", "name": "France"}],
        "value": [{"column": "consommation", "quantity": "electricity_demand"}],
        "absent": ["-"],
    }
    parsed = read(body, mapping, ("electricity_demand",))
    found = [record["fields"].get("consommation") for record in json.loads(body)["records"]]
    assert len(found) == 97
    assert [row[4] for row in said(parsed)] == [float(value) for value in found if value is not None]


@pytest.mark.parametrize("body", ['{"total_count": 0, "results": []}', "[]", '{"nhits": 0, "records": []}'])
def test_nothing_is_nothing(body: str, read: Read) -> None:
    """An answer without a record has no observation and is no error."""
    parsed = read(body)
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"error_code": "ODSQLError", "message": "no field x"}', "the platform answers .*ODSQLError.*no field x"),
        ('{"results": {}}', "results is no list of records"),
        ('{"results": [{"a": 1}]}', "no record has"),
        ('{"results": [', "no JSON"),
        ("<html>503</html>", "is markup"),
        ("", "is empty"),
        ("stationcode;name\n1;a\n", "columns .* are needed"),
    ],
)
def test_what_is_no_answer_is_refused(body: str, says: str, read: Read) -> None:
    """The platform's error is said as it came; a dataset without the fields of the mapping names them."""
    with pytest.raises(ReplyError, match=says):
        read(body)


def test_refused_records_keep_their_number(read: Read) -> None:
    """A malformed line, a station without a time and one without a number are refused with the rows they stood in."""
    names = "stationcode;name;numbikesavailable;numdocksavailable;is_renting;duedate;coordonnees_geo"
    good = "1;A;1;2;NON;2025-01-23T14:33:29+00:00;48.8,2.3"
    body = "\n".join([names, "too;few", good, good.replace("2025-01-23", "soon"), good.replace(";1;2", ";one;2"), ""])
    parsed = read(body)
    assert [row["row"] for row in parsed.refused.to_pylist()] == [1, 3, 4]
    assert parsed.observations["row"].to_pylist() == [2, 2, 2, 4, 4]
    assert parsed.observations["value"].to_pylist() == [1, 2, 0, 2, 0]


def test_a_point_of_no_place_on_earth_is_refused(read: Read) -> None:
    """Latitude and longitude exchanged are told where they can't be right."""
    parsed = read(VELIB.replace('"lat":48.778192750803', '"lat":148.778192750803'))
    assert parsed.observations.num_rows == 0
    assert "no position" in parsed.refused["reason"][0].as_py()


def test_an_address_must_be_an_exports(feed: Feed) -> None:
    """Records come by the page and would be cut at a hundred; an export gives them all; `file` isn't to be said."""
    base = "https://portal.test/api/explore/v2.1/catalog/datasets/x"
    assert FORM.check is not None
    FORM.check(replace(feed, url=f"{base}/exports/json?where=a"))
    FORM.check(replace(feed, url=""))
    with pytest.raises(InvalidValueError, match="at most a hundred records"):
        FORM.check(replace(feed, url=f"{base}/records?limit=100"))
    with pytest.raises(InvalidValueError, match="file"):
        FORM.check(replace(feed, parameters={**STATIONS, "file": {"format": "csv"}}))
