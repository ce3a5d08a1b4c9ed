"""GBFS 1.0 to 3.1: what stands at each station of a bike-sharing system, and where the stations are.

Two documents are read, and each says which it is. `station_status` gives states of stations that are named by
their id alone; `station_information` gives the stations' names and points, and their capacity as a state.
Both name a place `<system>:<station id>`, so that a station's place is the same whichever comes first.

A state begins when its station last reported and holds for the feed's `holds_seconds`, or until the station
reports again; capacity begins when its document was updated. A station that stays silent thus adds nothing,
however often the document is fetched. The total and its kinds are one quantity: facet "" is all vehicles,
a facet those of one kind, named by the publisher.

Read beside the standard: times in milliseconds, flags as 0, 1, true, "true" or "OUI", and Vélib's dialect, which
has `lastUpdatedOther` for `last_updated`, a twin of some counts in camel case, kinds as objects of one key, and
`stationCode`, a second id that the city's other data sets use. A station at (0, 0) is a place without a point.

Documents of single vehicles are refused at the door, none of them kept: an id that doesn't change tells
who rode where.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._json import read_json, read_objects
from passerelle.feeds._rows import assemble, instant, read_numbers, refuse_where
from passerelle.feeds._stations import read_stations, require_parameter
from passerelle.feeds._text import read_bytes
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place

_REPORTED, _BIKES = "last_reported", "bikeshare_bikes_available"

_COUNTS = {
    "num_bikes_available": (_BIKES, ""),
    "num_vehicles_available": (_BIKES, ""),
    "num_ebikes_available": (_BIKES, "ebike"),
    "num_docks_available": ("bikeshare_docks_available", ""),
    "num_bikes_disabled": ("bikeshare_bikes_disabled", ""),
    "num_vehicles_disabled": ("bikeshare_bikes_disabled", ""),
    "num_docks_disabled": ("bikeshare_docks_disabled", ""),
}
_FLAGS = {
    "is_installed": ("bikeshare_station_in_service", "installed"),
    "is_renting": ("bikeshare_station_in_service", "renting"),
    "is_returning": ("bikeshare_station_in_service", "returning"),
}
_CAPACITY = {"capacity": ("bikeshare_capacity", "")}
_TOTALS = ("num_bikes_available", "num_vehicles_available")
_KINDS = ("num_bikes_available_types", "vehicle_types_available")
_TWINS = {"numBikesAvailable": "num_bikes_available", "numDocksAvailable": "num_docks_available"}
_DESCRIBED = ("name", "lat", "lon")

_YES_OR_NO = {**dict.fromkeys(("true", "oui", "yes"), "1"), **dict.fromkeys(("false", "non", "no"), "0")}
_BEGAN = 1_450_155_600
"""The least time of GBFS, in seconds: "minimum" of `last_updated` in the JSON schemas of 1.1 and 2.3."""

_MILLISECONDS = 1e11
"""A number of seconds from here on is a number of milliseconds: as seconds it is in the year 5138."""

_VEHICLE = re.compile(rb'"(?:bike|vehicle)_id"')


class _Stations(msgspec.Struct):
    stations: list[msgspec.Raw]


class _Document(msgspec.Struct):
    data: _Stations
    last_updated: float | str | None = None
    other: float | str | None = msgspec.field(name="lastUpdatedOther", default=None)


def scrub(body: bytes) -> bytes:
    """The reply as it came; one that names single vehicles is a `ReplyError`, so that none of it is kept."""
    if body.strip() and _VEHICLE.search(read_bytes(Reply(body, datetime.fromtimestamp(_BEGAN, UTC)))):
        raise ReplyError("the reply names single vehicles; none of it was kept", where="body")
    return body


def parse(reply: Reply, feed: Feed) -> Parsed:
    """The states that stations report, or their places and capacities."""
    document = read_json(reply, _Document)
    key = feed.parameters.get("station_key", "station_id")
    columns = {key, _REPORTED, *_COUNTS, *_FLAGS, *_KINDS, *_TWINS, *_CAPACITY, *_DESCRIBED}
    objects = read_objects(document.data.stations, sorted(columns))
    named, unnamed = refuse_where(
        objects.rows,
        ~pl.col(key).str.contains(r"^[\x21-\x7e]{1,100}$"),
        pl.format(f"{key} '{{}}' is no id of a station", pl.col(key).str.slice(0, 100)),
    )
    named = named.with_columns(place=pl.format(f"{require_parameter(feed, 'system')}:{{}}", key))
    held = timedelta(seconds=require_parameter(feed, "holds_seconds"))
    places: list[Place] = []
    if {"lat", "lon"} <= objects.names:
        places, rows, refused = _read_information(named, _read_updated(document), held)
    elif not objects.names or (_REPORTED in objects.names and not objects.names.isdisjoint(_TOTALS)):
        rows, refused = _read_states(named, held)
    else:
        raise ReplyError(
            f"neither station_status, with {_REPORTED} and one of {list(_TOTALS)}, nor station_information, with "
            f"lat and lon: stations have {sorted(name[:40] for name in objects.names)}",
            where="data.stations",
        )
    return assemble(places, rows, [objects.refused, unnamed, *refused])


def _read_states(named: pl.DataFrame, held: timedelta) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Counts, flags and counts by kind, over the time for which each station's report holds; and the refused rows."""
    timed, untimed = refuse_where(
        named.with_columns(start=_instant(pl.col(_REPORTED))),
        pl.col("start").is_null(),
        pl.format(f"{_REPORTED} '{{}}' is no time since GBFS began, in 2015", pl.col(_REPORTED).str.slice(0, 40)),
    )
    torn = pl.any_horizontal((pl.col(twin) != "") & (pl.col(twin) != pl.col(name)) for twin, name in _TWINS.items())
    agreed, disagreed = refuse_where(
        timed.with_columns(end=pl.col("start") + held),
        torn,
        pl.format("a count and its twin in camel case differ: {} and {}, {} and {}", *sum(_TWINS.items(), ())),
    )
    flags = [pl.col(flag).str.to_lowercase().replace(_YES_OR_NO) for flag in _FLAGS]
    counts, unread = read_numbers(agreed.with_columns(flags), {**_COUNTS, **_FLAGS}, absent=[""])
    kinds, unlisted = _read_kinds(agreed)
    by_kind, uncounted = read_numbers(kinds, {"count": (_BIKES, "")})
    by_kind = by_kind.with_columns(facet=pl.col("kind"))
    names = ["row", "place", "quantity", "facet", "start", "end", "value"]
    states = pl.concat([counts.select(names), by_kind.select(names)])
    return states, [untimed, disagreed, unread, unlisted, uncounted]


def _read_kinds(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row for each kind of vehicle a station lists (`kind` and `count`), and the lists that can't be read."""
    kept: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    index = ["row", "raw", "place", "start", "end"]
    for station in rows.select(*index, *_KINDS).iter_rows(named=True):
        for name in _KINDS:
            try:
                listed = msgspec.json.decode(station[name] or "[]", type=list[dict[str, Any]])
            except msgspec.MsgspecError as error:
                refused.append({"row": station["row"], "reason": f"{name}: {error}", "raw": station["raw"]})
                continue
            said = {column: station[column] for column in index}
            kept += [said | {"kind": kind, "count": repr(count)} for kind, count in _list_counts(listed)]
    schema: dict[str, Any] = {**rows.select(index).schema, "kind": pl.String, "count": pl.String}
    return pl.DataFrame(kept, schema=schema), pl.DataFrame(refused, schema=REFUSED)


def _list_counts(listed: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    counts: list[tuple[str, Any]] = []
    for one in listed:
        if "vehicle_type_id" in one:
            counts.append((str(one["vehicle_type_id"]), one.get("count")))
        else:
            counts.extend(one.items())
    return counts


def _read_information(
    named: pl.DataFrame, updated: datetime, held: timedelta
) -> tuple[list[Place], pl.DataFrame, list[pl.DataFrame]]:
    """The stations as places, their capacities since `updated`, and the refused rows."""
    places, located, refused = read_stations(named)
    dated = located.with_columns(start=pl.lit(updated), end=pl.lit(updated + held))
    capacities, unread = read_numbers(dated, _CAPACITY, absent=[""])
    return places, capacities, [*refused, unread]


def _read_updated(document: _Document) -> datetime:
    said = document.last_updated if document.last_updated is not None else document.other
    text = said if isinstance(said, str) else repr(said)
    updated = pl.select(_instant(pl.lit(text))).item()
    if updated is None:
        raise ReplyError(f"last_updated {text[:40]!r} is no time since GBFS began, in 2015", where="last_updated")
    return updated  # type: ignore[no-any-return]


def _instant(text: pl.Expr) -> pl.Expr:
    """The UTC instant of Unix seconds, milliseconds or RFC 3339; null before GBFS began."""
    number = pl.when(text.str.contains(r"^[0-9]{1,15}(?:\.[0-9]{1,6})?$")).then(text).cast(pl.Float64)
    seconds = pl.when(number < _MILLISECONDS).then(number).otherwise(number / 1000)
    unix = (seconds * 1_000_000).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
    moment = pl.coalesce(unix, instant(text))
    return pl.when(moment >= datetime.fromtimestamp(_BEGAN, UTC)).then(moment)


FORM = Form(
    name="gbfs",
    title="GBFS station status and station information (JSON)",
    standard="GBFS 1.0 to 3.1",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in (_COUNTS | _FLAGS | _CAPACITY).values()})),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
