"""Writes the replay of Vélib' beside this file, from the two tables its card names: `rebuild.py <folder>`.

A line is one reply: when it was received and its body, in Vélib's own dialect of GBFS. Each snapshot of the
table gives a `station_status`; before it stands a `station_information` wherever stations or capacities differ
from the last one.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

STATUS, STATIONS = "velib_status_2022-05-12_2022-06-02.parquet", "velib_stations_2022.csv"
REPLAY = "velib_centre_2022-05-12_2022-06-02.jsonl.gz"
CENTRE = (1000, 4999)
"""Station codes of the first four arrondissements: they begin with the arrondissement's number."""


def read_snapshots(folder: Path) -> pl.DataFrame:
    """A row for each station of the centre and snapshot, in the order of snapshots and station codes."""
    stations = pl.read_csv(folder / STATIONS).filter(pl.col("stationcode").is_between(*CENTRE))
    described = stations.select(
        "name", "lat", "lon", pl.col("sid").cast(pl.Int16), pl.col("stationcode", "station_id").cast(pl.Int64)
    )
    return pl.read_parquet(folder / STATUS).join(described, on="sid").sort("t_snapshot", "stationcode")


def to_information(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stations of a snapshot as `station_information` lists them."""
    members = ("station_id", "name", "lat", "lon", "capacity")
    return [{**{name: row[name] for name in members}, "stationCode": str(row["stationcode"])} for row in rows]


def to_status(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stations of a snapshot as `station_status` lists them, without the members that the table lacks."""
    return [
        {
            "stationCode": str(row["stationcode"]),
            "station_id": row["station_id"],
            "num_bikes_available": row["bikes"],
            "num_bikes_available_types": [{"mechanical": row["mechanical"]}, {"ebike": row["ebike"]}],
            "num_docks_available": row["docks"],
            "last_reported": row["t_updated"],
        }
        for row in rows
    ]


def list_replies(snapshots: pl.DataFrame) -> list[dict[str, Any]]:
    """The replies of the replay, oldest first."""
    replies, last = [], None
    for (moment,), frame in snapshots.group_by("t_snapshot", maintain_order=True):
        rows = frame.to_dicts()
        received = datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[call-overload]
        information = to_information(rows)
        for stations in ([] if information == last else [information]) + [to_status(rows)]:
            replies.append({"received": received, "body": {"lastUpdatedOther": moment, "data": {"stations": stations}}})
        last = information
    return replies


if __name__ == "__main__":
    lines = [
        json.dumps(reply, ensure_ascii=False, separators=(",", ":")) + "\n"
        for reply in list_replies(read_snapshots(Path(sys.argv[1])))
    ]
    packed = gzip.compress("".join(lines).encode(), 9, mtime=0)
    (Path(__file__).parent / REPLAY).write_bytes(packed)
