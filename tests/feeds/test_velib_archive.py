"""Collectors' archives of Vélib': when a station reported, not when it was looked at; judged by DuckDB."""

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

from passerelle.archive.rows import Checker
from passerelle.feeds import FORMS
from passerelle.feeds.feed import Feed, Parsed
from passerelle.model.errors import ReplyError

FORM = FORMS["velib_archive"]
NOW = datetime(2025, 10, 1, tzinfo=UTC)
BIKES = {"quantity": "bikeshare_bikes_available", "facet": ""}
REPORT = {"sid": 5, "t_snapshot": 1_652_352_000, "t_updated": 1_652_350_000}
REPORT |= {"bikes": 14, "mechanical": 6, "ebike": 8, "docks": 22, "capacity": 36}

Read = Callable[[bytes | str], Parsed]


@pytest.fixture
def read(parse: Callable[..., Parsed]) -> Read:
    """Parse as an archive of the system `v` whose states hold an hour."""
    parameters = {"system": "v", "holds_seconds": 3600}

    def read(body: bytes | str) -> Parsed:
        return parse("velib-replay", body, form=FORM.name, quantities=FORM.quantities, parameters=parameters)

    return read


def table(*rows: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([REPORT | row for row in rows]), buffer)
    return buffer.getvalue()


def cut(path: Path, where: str) -> bytes:
    """The rows of a Parquet file that DuckDB finds."""
    buffer = io.BytesIO()
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {where}").arrow()  # noqa: S608  our own words
    pq.write_table(pa.table(found), buffer)
    return buffer.getvalue()


def test_the_table_of_2022(shared_data: Path, read: Read, feeds: dict[str, Feed]) -> None:
    """Of sixty stations, every number a station reported at a time, once; the archive refuses what contradicts it."""
    path = shared_data / "mobility/velib_paris/velib_status_2022-05-12_2022-06-02.parquet"
    parsed = read(cut(path, "sid < 60"))
    frame = pl.DataFrame(pl.from_arrow(parsed.observations))
    counted, times = duckdb.sql(
        "SELECT count(*), count(DISTINCT (sid, t_updated)) FROM "  # noqa: S608  our own words
        f"(SELECT DISTINCT sid, t_updated, bikes FROM read_parquet('{path}') WHERE sid < 60)"
    ).fetchall()[0]
    bikes = frame.filter(**BIKES)
    assert (bikes.height, parsed.refused.num_rows) == (counted, 0)
    assert frame["place"].n_unique() == 60
    kinds = frame.filter(quantity="bikeshare_bikes_available").group_by("facet").agg(pl.len())
    assert set(kinds["facet"]) == {"", "ebike", "mechanical"}
    checked = Checker(feeds["velib-replay"], NOW).check(bikes)
    assert (checked.rows.num_rows, checked.refused.num_rows) == (times, counted - times)
    assert set(checked.kinds) == {"conflicts with an earlier row"}


def test_the_table_of_2025(shared_data: Path, read: Read) -> None:
    """Three numbers a quarter-hour: 484,712 rows less one without a station, 159 without a capacity (by DuckDB)."""
    path = shared_data / "mobility/velib_paris/velib_status_15min_2025-09-07_16.parquet"
    parsed = read(path.read_bytes())
    assert parsed.observations.num_rows == 484_711 * 3 - 159
    assert parsed.refused["raw"].to_pylist() == ["null,2025-09-08 00:30:00.000000,13,17,74"]
    frame = pl.DataFrame(pl.from_arrow(parsed.observations))
    assert frame.select((pl.col("end") - pl.col("start")).unique()).item() == timedelta(minutes=15)
    total = duckdb.sql(f"SELECT sum(bikes) FROM read_parquet('{path}') WHERE stationcode IS NOT NULL").fetchall()[0][0]  # noqa: S608
    assert frame.filter(**BIKES)["value"].sum() == total


@pytest.mark.parametrize(("name", "stations"), [("velib_stations_2022.csv", 1_423), ("velib_stations_2025.csv", 1_472)])
def test_the_lists_of_stations(name: str, stations: int, shared_data: Path, read: Read) -> None:
    """A place with a point for each line (`wc -l` less the header)."""
    parsed = read((shared_data / "mobility/velib_paris" / name).read_bytes())
    assert (len(parsed.places), parsed.observations.num_rows, parsed.refused.num_rows) == (stations, 0, 0)
    assert all(place.centre for place in parsed.places)


def test_a_report_is_dated_by_the_station(read: Read) -> None:
    """It begins when the station reported, holds an hour, and is told once however often it was seen."""
    parsed = read(table({}, {"t_snapshot": 1_652_353_000}, {"t_snapshot": 1_652_354_000, "docks": 21}))
    rows = parsed.observations.to_pylist()
    # date -u -d @1652350000
    assert {row["start"] for row in rows} == {datetime(2022, 5, 12, 10, 6, 40, tzinfo=UTC)}
    assert {row["end"] - row["start"] for row in rows} == {timedelta(hours=1)}
    docks = [row["value"] for row in rows if row["quantity"] == "bikeshare_docks_available"]
    assert (docks, len(rows)) == ([22, 21], 6)
    assert {row["place"] for row in rows} == {"v:5"}


@pytest.mark.parametrize("row", [{"sid": None}, {"t_updated": None}, {"t_updated": 10**14}])
def test_what_is_no_report_is_refused(row: dict[str, Any], read: Read) -> None:
    """Without a station or a time of our calendar; the next is read."""
    parsed = read(table(row, {}))
    assert parsed.refused.to_pylist()[0]["reason"] == "a station and a time are needed"
    assert (parsed.refused["row"].to_pylist(), parsed.observations.num_rows) == ([1], 5)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (" ,Quai,48.8,2.3", "sid ' ' is no id of a station"),
        ("1,,48.8,2.3", "a station needs a name"),
        ("1,Quai,148.8,2.3", "lat '148.8' and lon '2.3' are no position"),
    ],
)
def test_what_is_no_station_is_refused(line: str, reason: str, read: Read) -> None:
    """No number, no name, no position; the next is read."""
    parsed = read(f"sid,name,lat,lon\n{line}\n2,Rue,48.8,2.3\n")
    assert parsed.refused["reason"].to_pylist() == [reason]
    assert [place.id for place in parsed.places] == ["v:2"]


def test_another_table_is_refused_with_what_is_lacking(read: Read) -> None:
    """Both schemes are named."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"sid": [1], "bikes": [2]}), buffer)
    with pytest.raises(ReplyError, match=r"'t_updated'.*or.*'tbin_utc'"):
        read(buffer.getvalue())
