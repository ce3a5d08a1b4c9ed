"""Collectors' archives of Vélib' states: two recorded tables (Parquet) and their lists of stations (CSV).

- 2022: a row for each station and snapshot, stations by the collector's number `sid`. The state is the one that the
  station reported at `t_updated`, and holds for the feed's `holds_seconds`; `t_snapshot`, when the collector looked, is
  no time of the state. A station that hasn't reported since is in every snapshot with the same number, which is given
  once. Where the number changed although `t_updated` didn't, both are given: the archive takes them from one reply as
  a conflict, admits the first and refuses the others with that reason.
- 2025: a row for each station code and quarter-hour of UTC. The state is one of that quarter-hour; which moment's
  isn't known.

Either table's list of stations names them and says where they are; its capacities have no time and aren't read.
A place is `<system>:<sid or station code>`, with the feed's `system`.
"""

from __future__ import annotations

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

_STATUS = {
    "sid": pa.int64(),
    "t_updated": pa.int64(),
    "bikes": pa.int64(),
    "mechanical": pa.int64(),
    "ebike": pa.int64(),
    "docks": pa.int64(),
    "capacity": pa.int64(),
}
_QUARTERS = {
    "stationcode": pa.string(),
    "tbin_utc": pa.timestamp("us"),
    "bikes": pa.int64(),
    "docks": pa.int64(),
    "capacity": pa.int64(),
}
_VALUES = {
    "bikes": ("bikeshare_bikes_available", ""),
    "mechanical": ("bikeshare_bikes_available", "mechanical"),
    "ebike": ("bikeshare_bikes_available", "ebike"),
    "docks": ("bikeshare_docks_available", ""),
    "capacity": ("bikeshare_capacity", ""),
}
_PLACED = ["name", "lat", "lon"]
_QUARTER = timedelta(minutes=15)
_ID = r"^[\w.-]{1,100}$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """The states of a table, or the places of a list of stations."""
    system = require_parameter(feed, "system")
    body = read_bytes(reply)
    if not body.startswith(b"PAR1"):
        return _read_list(read_text(reply, "utf-8"), system)
    rows = read_parquet(body, _STATUS, _QUARTERS)
    key, clock = ("sid", "t_updated") if "sid" in rows.columns else ("stationcode", "tbin_utc")
    started, held = pl.from_epoch(pl.col(clock), "s"), timedelta(seconds=require_parameter(feed, "holds_seconds"))
    if clock == "tbin_utc":
        started, held = pl.col(clock), _QUARTER
    columns = [name for name in rows.columns if name != "row"]
    known, unknown = refuse_where(
        rows.with_columns(start=plausible(started).dt.replace_time_zone("UTC")),
        pl.col("start").is_null() | ~pl.col(key).cast(pl.String).str.contains(_ID),
        pl.lit("a station and a time are needed"),
        raw=show(columns),
    )
    placed = known.with_columns(place=pl.format(f"{system}:{{}}", key), end=pl.col("start") + held)
    states = list_values(placed, {name: named for name, named in _VALUES.items() if name in columns})
    told = states.unique(["place", "quantity", "facet", "start", "value"], keep="first", maintain_order=True)
    return assemble([], told, [unknown])


def _read_list(text: str, system: str) -> Parsed:
    key = "sid" if "sid" in text.partition("\n")[0].split(",") else "stationcode"
    lines, malformed = read_lines(text, [key, *_PLACED])
    named, unnamed = refuse_where(
        lines.with_columns(place=pl.format(f"{system}:{{}}", key)),
        ~pl.col(key).str.contains(_ID),
        pl.format(f"{key} '{{}}' is no id of a station", pl.col(key).str.slice(0, 40)),
    )
    places, _, refused = read_stations(named)
    return assemble(places, pl.DataFrame(schema=pl.Schema(PARSED)), [malformed, unnamed, *refused])


FORM = Form(
    name="velib_archive",
    title="Collectors' archives of Vélib' states (Parquet, CSV)",
    standard="tables of Vélib' Métropole's open data, 2022 and 2025",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in _VALUES.values()})),
    request=ask_address,
    parse=parse,
)
