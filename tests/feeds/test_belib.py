"""Belib': stations, chargers, points and connectors are counted apart, with ids that are none among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

LIST = find_data_file("belib_paris/bornes-de-recharge-pour-vehicules-electriques.csv")
LIVE = "mobility/belib_paris/prises_electriques_vehicules_tps_reel.csv"
RECEIVED = datetime(2020, 7, 22, 9, tzinfo=UTC)

LIST_HEADER = "ID Point de charge;ID Station;Nom de la Station;Nombre points recharge;Date mise à jour;geo_point_2d\n"
LIVE_HEADER = "Identifiant borne;Nom de la station;Statut de disponibilité;Coordonnées géographiques\n"

Read = Callable[..., Parsed]


@pytest.fixture
def read(parse: Callable[..., Parsed]) -> Read:
    """Parse the feed of charging points, received on the morning of 22 July 2020 in a reply without a date."""

    def read(body: bytes | str, name: str = "", cadence_seconds: int | None = 300) -> Parsed:
        return parse("charging-points", body, name=name, received=RECEIVED, cadence_seconds=cadence_seconds)

    return read


def listed(*points: tuple[str, str], of_charger: Any = 3, updated: str = "2020-07-22", at: str = "48.88,2.28") -> str:
    lines = (f"{point};{station};Rue;{of_charger};{updated};{at}\n" for point, station in points)
    return LIST_HEADER + "".join(lines)


def live(*connectors: tuple[str, str]) -> str:
    return LIVE_HEADER + "".join(f"{point};Rue;{state};48.88,2.28\n" for point, state in connectors)


def told(parsed: Parsed) -> dict[tuple[str, str, str], float]:
    frame = pl.DataFrame(pl.from_arrow(parsed.observations))
    columns = frame.select("place", "quantity", "facet", "value").iter_rows()
    return {(place, quantity, facet): value for place, quantity, facet, value in columns}


def totals(parsed: Parsed) -> dict[tuple[str, str], float]:
    frame = pl.DataFrame(pl.from_arrow(parsed.observations))
    return {tuple(key): value for *key, value in frame.group_by("quantity", "facet").agg(pl.sum("value")).iter_rows()}


def reasons(parsed: Parsed) -> list[str]:
    return parsed.refused["reason"].to_pylist()


def test_the_recorded_list(read: Read) -> None:
    """1,493 points (`wc -l`), 307 stations and 314 chargers (`cut -d';'` and `sort -u`), for the day of the update."""
    parsed = read(LIST.read_bytes())
    assert totals(parsed) == {
        ("charging_points", ""): 1_493,
        ("charging_chargers", ""): 314,
        ("charging_stations", ""): 307,
    }
    assert (len(parsed.places), parsed.refused.num_rows) == (307 + 1, 0)
    row = parsed.observations.to_pylist()[0]
    # 22 July in Paris, UTC+2.
    assert (row["start"], row["end"]) == (
        datetime(2020, 7, 21, 22, tzinfo=UTC),
        datetime(2020, 7, 22, 22, tzinfo=UTC),
    )


def test_the_recorded_states(shared_data: Path, read: Read) -> None:
    """869 connectors are 237 points in 79 chargers, by state as `sort -u | cut | uniq -c` counts them."""
    parsed = read((shared_data / LIVE).read_bytes())
    assert totals(parsed) == {
        ("charging_points", "Disponible"): 160,
        ("charging_points", "En diagnostic"): 1,
        ("charging_points", "En programmation"): 5,
        ("charging_points", "Hors communication"): 41,
        ("charging_points", "Neutralisé"): 16,
        ("charging_points", "Occupé"): 14,
    }
    assert (len(parsed.places), parsed.observations.num_rows, parsed.refused.num_rows) == (79, 79 * 6, 0)
    assert {place.kind for place in parsed.places} == {"charger"}


def test_points_without_an_id_are_not_one_point(read: Read) -> None:
    """Six rows "Non concerné" of chargers of three are six points and two chargers, beside one that has its id."""
    rows = [("Non concerné", "FR*V75*EBELI*59")] * 6 + [("FR*V75*EBELI*59*1*1", "FR*V75*EBELI*59")]
    assert told(read(listed(*rows))) == {
        ("belib:FR*V75*EBELI*59", "charging_points", ""): 7,
        ("belib:FR*V75*EBELI*59", "charging_chargers", ""): 3,
        ("belib", "charging_stations", ""): 1,
    }


def test_stations_without_an_id_are_told_by_their_position(read: Read) -> None:
    """Two positions under "Non concerné" are two stations."""
    here = listed(("Non concerné", "Non concerné"))
    there = listed(("Non concerné", "Non concerné"), at="48.87,2.30").removeprefix(LIST_HEADER)
    parsed = read(here + there)
    assert [place.id for place in parsed.places] == ["belib:48.88,2.28", "belib:48.87,2.30", "belib"]
    assert totals(parsed)["charging_stations", ""] == 2


def test_a_point_listed_twice_is_one(read: Read) -> None:
    """The same id is the same point; two chargers at a station are two."""
    rows = [("FR*V75*EBELI*59*1*1", "FR*V75*EBELI*59")] * 2 + [("FR*V75*EBELI*9*1*1", "FR*V75*EBELI*59")]
    found = totals(read(listed(*rows)))
    assert (found["charging_points", ""], found["charging_chargers", ""]) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"of_charger": "trois"}, "'trois' points of a charger, updated on '2020-07-22'"),
        ({"of_charger": 0}, "'0' points of a charger, updated on '2020-07-22'"),
        ({"updated": "22/07/2020"}, "'3' points of a charger, updated on '22/07/2020'"),
        ({"at": "98.88,2.28"}, "'Rue' at '98.88,2.28' is no named position"),
    ],
)
def test_a_station_of_which_a_row_is_refused_is_not_counted(changes: dict[str, Any], reason: str, read: Read) -> None:
    """Its other rows are refused with it; other stations are counted, and how many there are isn't told."""
    bad = listed(("FR*V75*EBELI*1*1*1", "FR*V75*EBELI*1"), **changes).removeprefix(LIST_HEADER)
    rest = listed(("FR*V75*EBELI*1*1*2", "FR*V75*EBELI*1"), ("FR*V75*EBELI*2*1*1", "FR*V75*EBELI*2"))
    parsed = read(rest + bad)
    assert reasons(parsed) == ["another row of its place can't be read: it isn't counted", reason]
    assert told(parsed) == {
        ("belib:FR*V75*EBELI*2", "charging_points", ""): 1,
        ("belib:FR*V75*EBELI*2", "charging_chargers", ""): 1,
    }


def test_connectors_of_a_point_are_one_point(read: Read) -> None:
    """Five connectors of two points: two points, and none in the other states."""
    a, b = ("FR*V75*EBELI*42*1*1", "Occupé"), ("FR*V75*EBELI*42*1*2", "Disponible")
    found = {facet: value for (_, _, facet), value in told(read(live(a, a, b, a, b))).items()}
    assert found == {
        "Disponible": 1,
        "En diagnostic": 0,
        "En programmation": 0,
        "Hors communication": 0,
        "Neutralisé": 0,
        "Occupé": 1,
    }


@pytest.mark.parametrize(
    ("connector", "reason"),
    [
        (("FR*V75*EBELI*42*1*2", "Peut-être"), "'Peut-être' is no state of a point"),
        (("FR*V75*EBELI*42*1*1", "Occupé"), "the connectors of FR*V75*EBELI*42*1*1 don't agree: one is 'Occupé'"),
    ],
)
def test_a_charger_of_which_a_row_is_refused_is_not_counted(
    connector: tuple[str, str], reason: str, read: Read
) -> None:
    """An unknown state and connectors that differ cost their charger, and no other."""
    parsed = read(live(("FR*V75*EBELI*42*1*1", "Disponible"), ("FR*V75*EBELI*28*1*1", "Disponible"), connector))
    assert reason in reasons(parsed)
    assert parsed.refused.num_rows == 2
    assert {place for place, _, _ in told(parsed)} == {"belib:FR*V75*EBELI*28*1"}


def test_a_connector_without_an_id_is_refused(read: Read) -> None:
    """Nothing tells whose connector it is."""
    parsed = read(live(("Non concerné", "Disponible"), ("FR*V75*EBELI*28*1*1", "Disponible")))
    assert reasons(parsed) == ["'Non concerné' is no id of a point"]
    assert parsed.observations.num_rows == 6


def test_states_hold_from_their_receipt_or_for_their_recordings_day(read: Read) -> None:
    """For one cadence when live; over the local day of the name when recorded; else not at all."""
    body = live(("FR*V75*EBELI*28*1*1", "Disponible"))
    now = read(body).observations.to_pylist()[0]
    assert (now["start"], now["end"]) == (RECEIVED, RECEIVED + timedelta(minutes=5))
    day = read(body, name="states_2020-07-20.csv").observations.to_pylist()[0]
    assert (day["start"], day["end"]) == (datetime(2020, 7, 19, 22, tzinfo=UTC), datetime(2020, 7, 20, 22, tzinfo=UTC))
    with pytest.raises(ReplyError, match="how long"):
        read(body, cadence_seconds=None)


@pytest.mark.parametrize("header", [LIST_HEADER, LIVE_HEADER])
def test_a_header_alone_counts_nothing(header: str, read: Read) -> None:
    """No station isn't "zero stations": nothing is told."""
    parsed = read(header)
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)
