"""Geod'air, the French air-quality database: one NO2 value per station and local day (CSV).

The columns don't say whether a value is the day's mean or the maximum of its hourly means, so the
feed does, in its parameter `quantity`: the two are never the same series.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_days, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place, point

_QUANTITIES = ("no2_daily_max", "no2_daily_mean")
_VALUE = "no2_ug_m3"
_COLUMNS = ["date", "station_id", "station_name", "station_influence", _VALUE, "lat", "lon"]

_KINDS = {"Trafic": "traffic_station", "Fond": "background_station", "Industrielle": "industrial_station"}
"""The publisher's words for what a station stands near, in those of Directive 2008/50/EC, annex III."""

_DEGREES = r"^-?[0-9]{1,3}(\.[0-9]+)?$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One concentration per station and local day; a place per station, of the kind it stands near."""
    quantity = feed.parameters.get("quantity")
    if quantity not in _QUANTITIES:
        raise InvalidValueError(
            f"feed {feed.id!r}: parameter quantity is {quantity!r}; allowed: {', '.join(_QUANTITIES)}", where="quantity"
        )
    lines, malformed = read_lines(read_text(reply, "utf-8"), _COLUMNS)
    stations, unplaced = refuse_where(
        _locate(lines),
        ~(
            pl.col("station_id").str.contains("^FR[0-9]{5}$")
            & (pl.col("station_name").str.strip_chars() != "")
            & pl.col("kind").is_not_null()
            & pl.col("latitude").is_between(-90, 90)
            & pl.col("longitude").is_between(-180, 180)
        ),
        pl.format(
            "station '{}' '{}' of influence '{}' at '{}', '{}'",
            *(pl.col(name).str.slice(0, 40) for name in ("station_id", "station_name", "station_influence")),
            *(pl.col(name).str.slice(0, 20) for name in ("lat", "lon")),
        ),
    )
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    dated, undated = refuse_where(
        stations.with_columns(**local_days(day, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null(),
        pl.format("date '{}' is not year-month-day", pl.col("date").str.slice(0, 40)),
    )
    rows, unread = read_numbers(dated, {_VALUE: (quantity, "")})
    named = rows.unique("place", keep="first", maintain_order=True)
    places = [
        Place(place, kind, name, point(longitude, latitude))
        for place, kind, name, longitude, latitude in named.select(
            "place", "kind", "station_name", "longitude", "latitude"
        ).iter_rows()
    ]
    return assemble(places, rows, [malformed, unplaced, undated, unread])


def _locate(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(
        place=pl.format("geodair:{}", "station_id"),
        kind=pl.col("station_influence").replace_strict(_KINDS, default=None, return_dtype=pl.String),
        latitude=pl.when(pl.col("lat").str.contains(_DEGREES)).then("lat").cast(pl.Float64, strict=False),
        longitude=pl.when(pl.col("lon").str.contains(_DEGREES)).then("lon").cast(pl.Float64, strict=False),
    )


FORM = Form(
    name="geodair",
    title="Geod'air daily NO2 per station (CSV)",
    standard="Geod'air (LCSQA), daily statistics",
    grade=Grade.PROVEN,
    quantities=_QUANTITIES,
    request=ask_address,
    parse=parse,
)
