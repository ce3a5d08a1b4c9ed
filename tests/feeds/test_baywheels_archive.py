"""The archive of Bay Wheels: states between changes, looks, flows; judged by DuckDB."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.feed import Parsed
from passerelle.model.quantity import get_quantity

FORM = FORMS["baywheels_archive"]
START = datetime(2022, 11, 14, 12, tzinfo=UTC)
CHANGE = {"sid": 3, "t": int(START.timestamp()), "flags": 7}
CHANGE |= {"bikes": 5, "ebikes": 2, "docks": 10, "bikes_disabled": 0, "docks_disabled": 0}

Read = Callable[..., Parsed]


@pytest.fixture
def read(parse: Callable[..., Parsed]) -> Read:
    """Parse as an archive of the system `b` whose states hold ten minutes, of all quantities or those named."""
    parameters = {"system": "b", "holds_seconds": 600}

    def read(body: bytes | str, *quantities: str) -> Parsed:
        return parse(
            "baywheels-status", body, form=FORM.name, quantities=quantities or FORM.quantities, parameters=parameters
        )

    return read


def table(*rows: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), buffer)
    return buffer.getvalue()


def cut(path: Path, where: str) -> bytes:
    """The rows of a Parquet file that DuckDB finds."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {where}").arrow()), buffer)  # noqa: S608
    return buffer.getvalue()


def frame(parsed: Parsed) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(parsed.observations))


def test_the_recorded_changes(shared_data: Path, read: Read) -> None:
    """Of thirty stations, as many states of bikes as DuckDB's `lag` counts, end to end and within bounds."""
    path = shared_data / "mobility/baywheels_sf/status_changes_sf_2022-08-07_2023-04-30.parquet"
    parsed = read(cut(path, "sid < 30"))
    states = frame(parsed)
    counted = duckdb.sql(
        "SELECT count(*) FROM (SELECT bikes, lag(bikes) OVER (PARTITION BY sid ORDER BY t) AS before "  # noqa: S608
        f"FROM read_parquet('{path}') WHERE sid < 30) WHERE bikes IS DISTINCT FROM before"
    ).fetchall()[0][0]
    bikes = states.filter(quantity="bikeshare_bikes_available", facet="").sort("place", "start")
    assert (bikes.height, parsed.refused.num_rows) == (counted, 0)
    next_one = bikes.with_columns(next=pl.col("start").shift(-1).over("place")).drop_nulls("next")
    assert (next_one["end"] == next_one["next"]).all()
    for quantity, low, high in states.group_by("quantity").agg(pl.min("value"), high=pl.max("value")).iter_rows():
        assert get_quantity(quantity).admits(low)
        assert get_quantity(quantity).admits(high)


def test_the_recorded_flows(shared_data: Path, read: Read) -> None:
    """Of thirty stations, the departures that DuckDB adds up, an hour each."""
    path = shared_data / "mobility/baywheels_sf/flows_hourly_sf_2022-08-07_2023-04-30.parquet"
    parsed = read(cut(path, "sid < 30"), "bikeshare_departures", "bikeshare_minutes_covered")
    rows, total = duckdb.sql(
        f"SELECT count(*), sum(departures) FROM read_parquet('{path}') WHERE sid < 30"  # noqa: S608
    ).fetchall()[0]
    flows = frame(parsed)
    departures = flows.filter(quantity="bikeshare_departures")
    assert (flows.height, departures.height, departures["value"].sum()) == (2 * rows, rows, total)
    assert flows.select((pl.col("end") - pl.col("start")).unique()).item() == timedelta(hours=1)


def test_the_recorded_snapshots(shared_data: Path, read: Read) -> None:
    """30,563 looks, none longer than ten minutes or into the next."""
    looks = frame(read((shared_data / "mobility/baywheels_sf/snapshots.parquet").read_bytes()))
    assert looks.height == 30_563
    assert looks.select((pl.col("end") - pl.col("start")).max()).item() == timedelta(minutes=10)
    assert (looks["end"][:-1] <= looks["start"][1:]).all()


def test_the_recorded_stations(shared_data: Path, read: Read) -> None:
    """`wc -l` 546 less the header, six of them without a name (`awk -F, '$5 == ""'`), one at (0, 0)."""
    parsed = read((shared_data / "mobility/baywheels_sf/stations.csv").read_bytes())
    assert (len(parsed.places), parsed.refused.num_rows) == (539, 6)
    assert [place.id for place in parsed.places if place.centre is None] == ["b:511"]


def test_a_state_holds_until_its_own_next_change(read: Read) -> None:
    """Bikes that stay the same while docks change are one state; the last holds for the feed's maximum."""
    t = CHANGE["t"]
    body = table(CHANGE, CHANGE | {"t": t + 600, "docks": 9}, CHANGE | {"t": t + 1500, "docks": 9, "bikes": 6})
    states = frame(read(body))
    bikes = states.filter(quantity="bikeshare_bikes_available", facet="")
    assert bikes.select("start", "end", "value").rows() == [
        (START, START + timedelta(minutes=25), 5),
        (START + timedelta(minutes=25), START + timedelta(minutes=35), 6),
    ]
    docks = states.filter(quantity="bikeshare_docks_available")
    assert docks.select("start", "end", "value").rows() == [
        (START, START + timedelta(minutes=10), 10),
        (START + timedelta(minutes=10), START + timedelta(minutes=35), 9),
    ]


@pytest.mark.parametrize(("flags", "says"), [(7, (1, 1, 1)), (4, (1, 0, 0)), (3, (0, 1, 1)), (5, (1, 0, 1))])
def test_flags_are_taken_apart(flags: int, says: tuple[int, int, int], read: Read) -> None:
    """4 is installed, 2 renting, 1 returning."""
    states = frame(read(table(CHANGE | {"flags": flags}))).filter(quantity="bikeshare_station_in_service")
    assert dict(states.select("facet", "value").iter_rows()) == dict(
        zip(("installed", "renting", "returning"), says, strict=True)
    )


@pytest.mark.parametrize("row", [{"sid": None}, {"sid": -1}, {"t": None}, {"t": 10**14}])
def test_what_is_no_change_is_refused(row: dict[str, Any], read: Read) -> None:
    """Without a station or a time; the next is read."""
    parsed = read(table(CHANGE | row, CHANGE))
    assert (parsed.refused["row"].to_pylist(), parsed.observations.num_rows) == ([1], 8)


def test_only_what_the_feed_declares_is_read(read: Read) -> None:
    """A feed of flows reads nothing from changes."""
    assert read(table(CHANGE), "bikeshare_departures").observations.num_rows == 0


def test_a_station_without_a_number_is_refused(read: Read) -> None:
    """The operator's id doesn't stand in for the collector's."""
    parsed = read("sid,name,lat,lon\nSF-Y7,Quai,37.7,-122.4\n2,Rue,37.7,-122.4\n")
    assert parsed.refused["reason"].to_pylist() == ["sid 'SF-Y7' is no number of a station"]
    assert [place.id for place in parsed.places] == ["b:2"]
