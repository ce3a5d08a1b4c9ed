"""Autolib' electric car sharing: what stood at each station at one moment (open-data CSV).

The reply doesn't say its moment. One whose name holds a date (a recording) is that local day's:
the state held at an unknown moment of it. Any other is a live answer, and holds from when it was
received for one cadence of its feed.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._held import read_held
from passerelle.feeds._rows import assemble, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place, point

_ID, _NAME, _POINT = "ID", "Public name", "Geo point"

_VALUES = {
    "Bluecar counter": ("carshare_vehicles_available", "bluecar"),
    "Utilib counter": ("carshare_vehicles_available", "utilib"),
    "Utilib 1.4 counter": ("carshare_vehicles_available", "utilib_14"),
    "Slots": ("carshare_slots_free", ""),
    "Charge Slots": ("carshare_charge_slots_free", ""),
}

_DEGREES = r"^(-?[0-9]{1,2}(?:\.[0-9]+)?), ?(-?[0-9]{1,3}(?:\.[0-9]+)?)$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Five states per station, all over the reply's one interval."""
    text = read_text(reply, "utf-8")
    separator = ";" if text.partition("\n")[0].count(";") else ","
    lines, malformed = read_lines(text, [_ID, _NAME, _POINT, *_VALUES], separator=separator)
    named, unnamed = refuse_where(
        lines,
        ~pl.col(_ID).str.contains(r"^[\w.'-]{1,100}$") | (pl.col(_NAME).str.strip_chars() == ""),
        pl.format("station id '{}' with the name '{}'", pl.col(_ID).str.slice(0, 100), pl.col(_NAME).str.slice(0, 40)),
    )
    degrees = pl.col(_POINT).str.extract_groups(_DEGREES)
    located, unlocated = refuse_where(
        named.with_columns(
            place=pl.format("autolib:{}", _ID),
            latitude=degrees.struct[0].cast(pl.Float64),
            longitude=degrees.struct[1].cast(pl.Float64),
        ),
        ~(pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)),
        pl.format("'{}' is not a latitude and a longitude", pl.col(_POINT).str.slice(0, 60)),
    )
    held = read_held(reply, feed)
    rows, unread = read_numbers(located, _VALUES)
    rows = rows.with_columns(start=pl.lit(held.start), end=pl.lit(held.end))
    stations = rows.unique("place", keep="first", maintain_order=True)
    places = [
        Place(place, "station", name, point(longitude, latitude))
        for place, name, longitude, latitude in stations.select("place", _NAME, "longitude", "latitude").iter_rows()
    ]
    return assemble(places, rows, [malformed, unnamed, unlocated, unread])


FORM = Form(
    name="autolib_stations",
    title="Autolib' stations at one moment (CSV)",
    standard="Autolib' open data, stations",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in _VALUES.values()})),
    request=ask_address,
    parse=parse,
)
