"""Airparif's hourly export: concentrations at one station, a column for each pollutant (CSV).

The header is followed by a row of units. Hours are those of the local clock, 1 to 24, and name the hour's
end: 24 is the next midnight. `n/d` is the publisher's word for no value. Nothing in a file says where it was
measured, so that the reply's name does, as the exports are named for their stations.
"""

from __future__ import annotations

from pathlib import PurePath

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, ordered_instant, read_numbers, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place

_DAY, _HOUR = "date", "heure"
_POLLUTANTS = {
    "NO2": ("no2_hourly_mean", ""),
    "O3": ("o3_hourly_mean", ""),
    "PM10": ("pm10_hourly_mean", ""),
    "SO2": ("so2_hourly_mean", ""),
}
_UNIT = "microg/m3"
_ABSENT = ["n/d"]


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One mean concentration per pollutant and hour, at the station the reply is named for."""
    name = PurePath(reply.name).stem
    if not slug(name):
        raise ReplyError(f"the reply is called {reply.name!r}; the name of its station is needed", where="name")
    text = read_text(reply, "utf-8")
    header, _, rest = text.partition("\n")
    names = header.removesuffix("\r").split(";")
    pollutants = {column: _POLLUTANTS[column] for column in names if column in _POLLUTANTS}
    if not pollutants or len(pollutants) + 2 != len(names):
        known = [_DAY, _HOUR, *_POLLUTANTS]
        raise ReplyError(f"columns of {known} are expected, a pollutant at least, got {names}", where="header")
    units, _, body = rest.partition("\n")
    expected = ["" if column in (_DAY, _HOUR) else _UNIT for column in names]
    if units.removesuffix("\r").split(";") != expected:
        raise ReplyError(f"the second row says {units[:100]!r}; units {expected} are expected", where="units")
    lines, malformed = read_lines(f"{header}\n{body}", [_DAY, _HOUR, *pollutants], separator=";")
    hour = pl.when(pl.col(_HOUR).str.contains("^(?:[1-9]|1[0-9]|2[0-4])$")).then(pl.col(_HOUR).cast(pl.Int64))
    day = pl.col(_DAY).str.to_datetime("%d/%m/%Y", time_unit="us", strict=False)
    # The first occurrence of an hour told once: where the autumn's second is left out, it stays a gap.
    timed, untimed = refuse_where(
        lines.with_columns(end=ordered_instant(day + pl.duration(hours=hour), feed.time_zone)),
        pl.col("end").is_null(),
        pl.format(
            "'{}' hour '{}' is no hour of the local clock, day/month/year and 1 to 24",
            *(pl.col(column).str.slice(0, 40) for column in (_DAY, _HOUR)),
        ),
    )
    place = Place(f"airparif:{slug(name)}", "station", name)
    rows, unread = read_numbers(
        timed.with_columns(place=pl.lit(place.id), start=pl.col("end").dt.offset_by("-1h")), pollutants, absent=_ABSENT
    )
    return assemble([place] if rows.height else [], rows, [malformed, untimed, unread])


FORM = Form(
    name="airparif",
    title="Airparif hourly export of a station (CSV)",
    standard="Airparif, export of hourly means",
    grade=Grade.PROVEN,
    quantities=tuple(sorted(quantity for quantity, _ in _POLLUTANTS.values())),
    request=ask_address,
    parse=parse,
)
