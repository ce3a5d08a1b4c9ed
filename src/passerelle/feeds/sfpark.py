"""SFpark: vehicles in and out of public garages per local day and kind of use (CSV).

The file names garages and districts and gives no positions, so the places have no geometry.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_days, read_numbers, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place

_USE, _DATE, _GARAGE, _DISTRICT = "Usage Type", "date", "facility", "district"
_VALUES = {"entries": ("parking_entries", ""), "exits": ("parking_exits", "")}


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Entries and exits per garage, local day and kind of use (the facet, in small letters)."""
    lines, malformed = read_lines(read_text(reply, "utf-8"), [_USE, _DATE, _GARAGE, _DISTRICT, *_VALUES])
    name = r"^[0-9A-Za-z][0-9A-Za-z' -]{0,80}$"
    named, unnamed = refuse_where(
        lines,
        ~pl.all_horizontal(pl.col(_USE, _GARAGE, _DISTRICT).str.contains(name)),
        pl.format(
            "use '{}' of garage '{}' in district '{}'",
            *(pl.col(column).str.slice(0, 60) for column in (_USE, _GARAGE, _DISTRICT)),
        ),
    )
    day = pl.col(_DATE).str.to_date("%m/%d/%Y", strict=False)
    dated, undated = refuse_where(
        named.with_columns(**local_days(day, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null(),
        pl.format("date '{}' is not month/day/year", pl.col(_DATE).str.slice(0, 40)),
    )
    rows, unread = read_numbers(dated, _VALUES)
    garages = rows.unique(_GARAGE, keep="first", maintain_order=True).select(_GARAGE, _DISTRICT).rows()
    ids = {garage: f"garage:{slug(garage)}" for garage, _ in garages}
    rows = rows.with_columns(
        place=pl.col(_GARAGE).replace_strict(ids, return_dtype=pl.String), facet=pl.col(_USE).str.to_lowercase()
    )
    places = [Place(ids[garage], "garage", garage, areas={"sfpark_district": area}) for garage, area in garages]
    return assemble(places, rows, [malformed, unnamed, undated, unread])


FORM = Form(
    name="sfpark",
    title="SFpark garages, daily entries and exits (CSV)",
    standard="SFpark pilot evaluation data, SFMTA",
    grade=Grade.PROVEN,
    quantities=("parking_entries", "parking_exits"),
    request=ask_address,
    parse=parse,
)
