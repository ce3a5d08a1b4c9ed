"""Stations of vehicle sharing as places, from the texts of their names and positions."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._rows import refuse_where
from passerelle.feeds.feed import Feed
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place, point


def require_parameter(feed: Feed, name: str) -> Any:
    """The feed's parameter of that name, which nothing stands in for."""
    try:
        return feed.parameters[name]
    except KeyError:
        raise InvalidValueError(f"feed {feed.id!r} needs the parameter {name!r}", where=f"parameters.{name}") from None


class _Localized(msgspec.Struct):
    text: str


def read_stations(named: pl.DataFrame) -> tuple[list[Place], pl.DataFrame, list[pl.DataFrame]]:
    """Places of rows with `place`, `name`, `lat` and `lon` as text, the rows that gave one, and the refused.

    A station at (0, 0), or with neither of the two, is a place without a point.
    """
    told, nameless = refuse_where(named, pl.col("name").str.strip_chars() == "", pl.lit("a station needs a name"))
    degrees = [pl.col(name).cast(pl.Float64, strict=False).alias(f"{name}_degrees") for name in ("lat", "lon")]
    latitude, longitude = pl.col("lat_degrees"), pl.col("lon_degrees")
    nowhere = ((pl.col("lat") == "") & (pl.col("lon") == "")) | ((latitude == 0) & (longitude == 0))
    located, unlocated = refuse_where(
        told.with_columns(degrees).with_columns(nowhere=nowhere.fill_null(value=False)),
        ~(pl.col("nowhere") | (latitude.is_between(-90, 90) & longitude.is_between(-180, 180))),
        pl.format("lat '{}' and lon '{}' are no position", *(pl.col(name).str.slice(0, 40) for name in ("lat", "lon"))),
    )
    columns = ["place", "name", "lat_degrees", "lon_degrees", "nowhere"]
    places = [
        Place(place, "station", _read_name(name), None if nowhere else point(longitude, latitude))
        for place, name, latitude, longitude, nowhere in located.select(columns).iter_rows()
    ]
    return places, located, [nameless, unlocated]


def _read_name(name: str) -> str:
    """The text itself; of the localized texts of GBFS 3 the first, which need not be the city's language."""
    try:
        return msgspec.json.decode(name, type=list[_Localized])[0].text
    except (msgspec.MsgspecError, IndexError):
        return name
