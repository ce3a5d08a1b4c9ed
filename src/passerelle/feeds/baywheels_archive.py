"""A collector's archive of Bay Wheels, rebuilt from snapshots of its GBFS: four recorded tables, Parquet and CSV.

- Changes: a row for each station and snapshot in which any of its numbers changed. A number's state begins at the
  snapshot that first shows it and holds until the one that shows another, the last one until `holds_seconds` of the
  feed after the station's last row. A row in which only other numbers changed gives nothing: the state goes on.
- Snapshots: when the collector looked and how many stations the answer had, which tells a quiet station from a
  quiet collector. It holds until the next look, at most for `holds_seconds`.
- Hourly flows: departures and arrivals as the falls and rises between snapshots, which is less than there were and
  counts vans; minutes are those between two snapshots of which the first lies in the hour, so that an hour may have
  more than 60.
- Stations, by the collector's number `sid`: their names and points. Ids of the operator turn from a short number into
  a UUID, then the collector's number is another too, and so is the place.

A place is `<system>:<sid>`, and `<system>` the whole. Only the quantities that the feed declares are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl
import pyarrow as pa

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._parquet import list_values, read_parquet, show
from passerelle.feeds._rows import assemble, plausible, refuse_where
from passerelle.feeds._stations import read_stations, require_parameter
from passerelle.feeds._text import read_bytes, read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.observation import PARSED
from passerelle.model.place import Place

_CHANGED = {
    "bikes": ("bikeshare_bikes_available", ""),
    "ebikes": ("bikeshare_bikes_available", "ebike"),
    "docks": ("bikeshare_docks_available", ""),
    "bikes_disabled": ("bikeshare_bikes_disabled", ""),
    "docks_disabled": ("bikeshare_docks_disabled", ""),
    "installed": ("bikeshare_station_in_service", "installed"),
    "renting": ("bikeshare_station_in_service", "renting"),
    "returning": ("bikeshare_station_in_service", "returning"),
}
_FLOWED = {
    "departures": ("bikeshare_departures", ""),
    "arrivals": ("bikeshare_arrivals", ""),
    "bikes_mean": ("bikeshare_bikes_mean", ""),
    "minutes_covered": ("bikeshare_minutes_covered", ""),
    "minutes_empty": ("bikeshare_minutes_empty", ""),
    "minutes_full": ("bikeshare_minutes_full", ""),
}
_LOOKED = {"n_stations_feed": ("bikeshare_stations_listed", "")}
_FLAGS = {"installed": 4, "renting": 2, "returning": 1}
"""`flags` is 4 where installed and 2 where renting and 1 where returning, added."""

_INTEGERS = ("bikes", "ebikes", "docks", "bikes_disabled", "docks_disabled", "flags")
_CHANGES = {"sid": pa.int64(), "t": pa.int64(), **dict.fromkeys(_INTEGERS, pa.int64())}
_FLOWS = {"sid": pa.int64(), "t": pa.int64(), **dict.fromkeys(_FLOWED, pa.float64())}
_SNAPSHOTS = {"t": pa.int64(), "n_stations_feed": pa.int64()}

_NOTHING = pl.DataFrame(schema=pl.Schema(PARSED)).drop("reason")


def parse(reply: Reply, feed: Feed) -> Parsed:
    """The values of one of the tables, or the places of the list of stations."""
    system, body = require_parameter(feed, "system"), read_bytes(reply)
    if not body.startswith(b"PAR1"):
        return _read_list(read_text(reply, "utf-8"), system)
    rows = read_parquet(body, _CHANGES, _FLOWS, _SNAPSHOTS)
    known, unknown = refuse_where(
        rows.with_columns(start=plausible(pl.from_epoch("t", "s")).dt.replace_time_zone("UTC")),
        pl.col("start").is_null() | (pl.col("sid") < 0 if "sid" in rows.columns else False),
        pl.lit("a station and a time are needed"),
        raw=show(name for name in rows.columns if name != "row"),
    )
    held = timedelta(seconds=require_parameter(feed, "holds_seconds"))
    if "n_stations_feed" in known.columns:
        values = _read_snapshots(known, system, held)
        places = [Place(system, "system", system)]
    else:
        placed = known.with_columns(place=pl.format(f"{system}:{{}}", "sid"))
        values = _read_flows(placed, feed) if "departures" in known.columns else _read_changes(placed, feed, held)
        places = []
    return assemble(places, values, [unknown])


def _declared(columns: Mapping[str, tuple[str, str]], feed: Feed) -> dict[str, tuple[str, str]]:
    return {column: named for column, named in columns.items() if named[0] in feed.quantities}


def _read_changes(placed: pl.DataFrame, feed: Feed, held: timedelta) -> pl.DataFrame:
    flags = {flag: (pl.col("flags") // weight) % 2 for flag, weight in _FLAGS.items()}
    ordered = placed.with_columns(**flags).sort("place", "start", maintain_order=True)
    ordered = ordered.with_columns(until=pl.col("start").max().over("place") + held)
    end = pl.col("start").shift(-1).over("place").fill_null(pl.col("until"))
    states = [_NOTHING]
    for column, named in _declared(_CHANGED, feed).items():
        runs = ordered.filter(pl.col(column).ne_missing(pl.col(column).shift(1).over("place")))
        states.append(list_values(runs.with_columns(end=end), {column: named}).select(_NOTHING.columns))
    return pl.concat(states)


def _read_flows(placed: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    hours = placed.with_columns(end=pl.col("start") + timedelta(hours=1))
    return list_values(hours, _declared(_FLOWED, feed)).select(_NOTHING.columns)


def _read_snapshots(known: pl.DataFrame, system: str, held: timedelta) -> pl.DataFrame:
    next_look = pl.col("start").shift(-1).fill_null(pl.col("start") + held)
    ordered = known.sort("start", maintain_order=True).with_columns(place=pl.lit(system))
    return list_values(ordered.with_columns(end=pl.min_horizontal(next_look, pl.col("start") + held)), _LOOKED)


def _read_list(text: str, system: str) -> Parsed:
    lines, malformed = read_lines(text, ["sid", "name", "lat", "lon"])
    named, unnamed = refuse_where(
        lines.with_columns(place=pl.format(f"{system}:{{}}", "sid")),
        ~pl.col("sid").str.contains(r"^[0-9]{1,9}$"),
        pl.format("sid '{}' is no number of a station", pl.col("sid").str.slice(0, 40)),
    )
    places, _, refused = read_stations(named)
    return assemble(places, _NOTHING, [malformed, unnamed, *refused])


FORM = Form(
    name="baywheels_archive",
    title="A collector's archive of Bay Wheels: changes, snapshots, hourly flows (Parquet, CSV)",
    standard="tables rebuilt from Bay Wheels' GBFS, 2022 to 2023",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in (_CHANGED | _FLOWED | _LOOKED).values()})),
    request=ask_address,
    parse=parse,
)
