"""Writes the table beside this file from the collector's tables its card names: `rebuild.py <folder>`.

Departures by older station and local day, for the stations a study of the Sunset's new stations compares.
"""

from __future__ import annotations

import gzip
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

FLOWS, CHANGES = "flows_hourly_sf_2022-08-07_2023-04-30.parquet", "status_changes_sf_2022-08-07_2023-04-30.parquet"
STATIONS, TABLE = "stations.csv", "departures_2022-11-28_2023-04-30.csv.gz"
CLOCK = ZoneInfo("America/Los_Angeles")
FIRST, LAST = date(2022, 11, 28), date(2023, 4, 30)
"""Whole weeks, in each of which the collector looked 850 to 945 times; before them less often and less steadily."""

SUNSET = [513, 515, 517, 519, 523, 524, 528, 530, 533, 534, 535, 539]
"""Stations of the district that were new: first departures from 2 February to 9 April 2023."""

OTHERS = [526, 531, 536, 537, 540, 541, 542, 543, 544]
"""Stations new or moved elsewhere, or moved within the district (526), in these weeks."""

FARTHEST, APART = 6000.0, 500.0
LONGEST_OUT = 24 * 3600
IN_SERVICE = 7
EARTH = 6371008.8


def measure(stations: pl.DataFrame, to: list[int]) -> np.ndarray:
    """Metres from each station to the nearest of `to`, on the great circle."""
    here = np.radians(stations.select("lat", "lon").to_numpy())[:, None, :]
    there = np.radians(stations.filter(pl.col("sid").is_in(to)).select("lat", "lon").to_numpy())[None, :, :]
    half = np.sin((there - here) / 2) ** 2
    arc = half[..., 0] + np.cos(here[..., 0]) * np.cos(there[..., 0]) * half[..., 1]
    return np.asarray((2 * EARTH * np.arcsin(np.sqrt(arc))).min(axis=1))


def list_closed(folder: Path) -> list[int]:
    """Stations out of service for more than a day on end within the weeks."""
    begin, end = (int(datetime(*day, tzinfo=CLOCK).timestamp()) for day in ((2022, 11, 28), (2023, 5, 1)))
    changes = pl.read_parquet(folder / CHANGES).sort("sid", "t")
    spells = changes.select("sid", "flags", since="t", until=pl.col("t").shift(-1).over("sid").fill_null(end)).filter(
        pl.col("flags") != IN_SERVICE
    )
    inside = pl.min_horizontal("until", pl.lit(end)) - pl.max_horizontal("since", pl.lit(begin))
    return spells.filter(inside > LONGEST_OUT)["sid"].unique().to_list()


def read_days(folder: Path) -> pl.DataFrame:
    """Departures by station and local day."""
    flows = pl.read_parquet(folder / FLOWS).with_columns(
        day=pl.from_epoch("t", "s").dt.replace_time_zone("UTC").dt.convert_time_zone(CLOCK.key).dt.date()
    )
    return (
        flows.filter(pl.col("day").is_between(FIRST, LAST))
        .group_by("sid", "day")
        .agg(pl.col("departures").cast(pl.Int64).sum())
        .with_columns(pl.col("sid").cast(pl.Int64))
    )


def choose_stations(folder: Path, days: pl.DataFrame) -> pl.DataFrame:
    """The older stations within 6 km of a new one, listed every day, never long out of service, apart from others'."""
    kinds = {"sid": pl.Int64, "lat": pl.Float64, "lon": pl.Float64}
    placed = (
        pl.read_csv(folder / STATIONS, infer_schema_length=0)
        .select(pl.col("name"), *(pl.col(name).cast(kind) for name, kind in kinds.items()))
        .drop_nulls()
    )
    placed = placed.with_columns(metres=measure(placed, SUNSET), others=measure(placed, OTHERS))
    listed = days.group_by("sid").len().filter(pl.col("len") == (LAST - FIRST).days + 1)
    return (
        placed.join(listed, on="sid", how="semi")
        .filter(pl.col("sid") < min(SUNSET), pl.col("metres") <= FARTHEST, ~pl.col("sid").is_in(list_closed(folder)))
        .filter((pl.col("others") > APART) | (pl.col("metres") <= FARTHEST / 4))
    )


if __name__ == "__main__":
    source = Path(sys.argv[1])
    every_day = read_days(source)
    table = (
        every_day.join(choose_stations(source, every_day), on="sid")
        .sort("metres", "sid", "day")
        .select("sid", "name", "lat", "lon", pl.col("metres").round(0).cast(pl.Int64), "day", "departures")
    )
    packed = gzip.compress(table.write_csv().encode(), 9, mtime=0)
    (Path(__file__).parent / TABLE).write_bytes(packed)
