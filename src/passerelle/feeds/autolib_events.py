"""Autolib' electric car sharing: daily events per postal code, counted from snapshots a minute apart.

Columns as in the file that Dalberg derived and published from the operator's open data (ODbL).
Days are local. The publisher's slips stay as they are: a postal code the city's areas don't know
becomes a place without geometry.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_days, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.area import Area
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place

_CODE, _DATE = "Postal code", "date"

_VALUES = {
    "n_daily_data_points": ("carshare_snapshots", ""),
    "BlueCars_taken_sum": ("carshare_pickups", "bluecar"),
    "BlueCars_returned_sum": ("carshare_returns", "bluecar"),
    "Utilib_taken_sum": ("carshare_pickups", "utilib"),
    "Utilib_returned_sum": ("carshare_returns", "utilib"),
    "Utilib_14_taken_sum": ("carshare_pickups", "utilib_14"),
    "Utilib_14_returned_sum": ("carshare_returns", "utilib_14"),
    "Slots_freed_sum": ("carshare_slots_freed", ""),
    "Slots_taken_sum": ("carshare_slots_taken", ""),
}


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Nine counts per postal code and local day."""
    lines, malformed = read_lines(read_text(reply, "utf-8"), [_CODE, _DATE, *_VALUES])
    coded, uncoded = refuse_where(
        lines, ~pl.col(_CODE).str.contains("^[0-9]{5}$"), pl.format("'{}' is not a postal code", _CODE)
    )
    day = pl.col(_DATE).str.to_date("%m/%d/%Y", strict=False)
    dated, undated = refuse_where(
        coded.with_columns(**local_days(day, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null(),
        pl.format("date '{}' is not month/day/year", _DATE),
    )
    rows, unread = read_numbers(dated.with_columns(place=pl.format("postal-code:{}", _CODE)), _VALUES)
    codes = rows[_CODE].unique().sort().to_list()
    areas: Mapping[str, Area] = feed.parameters.get("areas", {})
    return assemble([_place(code, areas) for code in codes], rows, [malformed, uncoded, undated, unread])


def _place(code: str, areas: Mapping[str, Area]) -> Place:
    place = f"postal-code:{code}"
    if code not in areas:
        return Place(place, "postal_code", code)
    return Place(place, "postal_code", f"{code} {areas[code].name}", areas[code].geometry)


FORM = Form(
    name="autolib_events",
    title="Autolib' daily events per postal code (CSV)",
    standard="Autolib' / Dalberg, daily events",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in _VALUES.values()})),
    request=ask_address,
    parse=parse,
)
