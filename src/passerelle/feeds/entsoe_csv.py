"""ENTSO-E transparency platform: total load of a bidding zone and its day-ahead forecast, as exported (CSV).

A row's `Time (UTC)` says both ends of its interval; a file in another clock has another column and is
refused. `N/A` says that there is no value.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, plausible, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place

_TIME = "Time (UTC)"
_COLUMNS = {
    "Actual Total Load [MW] - BZN|": ("electricity_demand", ""),
    "Day-ahead Total Load Forecast [MW] - BZN|": ("electricity_demand_forecast", "day_ahead"),
}
_ENDS = r"^([0-9. :]{16}) - ([0-9. :]{16})$"
_ABSENT = ["", "N/A"]


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Load and forecast per interval, for the zone that the feed's `zone` (as in the columns) and `zone_name` say."""
    for key in ("zone", "zone_name"):
        if not isinstance(feed.parameters.get(key), str):
            raise InvalidValueError(f"feed {feed.id!r}: parameter {key} is needed, as text", where=key)
    zone = feed.parameters["zone"]
    columns = {f"{column}{zone}": meaning for column, meaning in _COLUMNS.items()}
    lines, malformed = read_lines(read_text(reply, "utf-8"), [_TIME, *columns])
    ends = {
        name: plausible(
            pl.col(_TIME).str.extract(_ENDS, group).str.to_datetime("%d.%m.%Y %H:%M", time_unit="us", strict=False)
        ).dt.replace_time_zone("UTC")
        for group, name in enumerate(("start", "end"), 1)
    }
    timed, untimed = refuse_where(
        lines.with_columns(**ends),
        ~(pl.col("end") - pl.col("start")).is_between(timedelta(minutes=15), timedelta(hours=1)),
        pl.format("'{}' is no interval of an hour or less", pl.col(_TIME).str.slice(0, 60)),
    )
    rows, unread = read_numbers(timed, columns, absent=_ABSENT)
    place = Place(f"bidding-zone:{zone}", "bidding_zone", feed.parameters["zone_name"])
    rows = rows.with_columns(place=pl.lit(place.id))
    return assemble([place] if rows.height else [], rows, [malformed, untimed, unread])


FORM = Form(
    name="entsoe_csv",
    title="ENTSO-E total load and day-ahead forecast (CSV)",
    standard="ENTSO-E transparency platform, export of total load",
    grade=Grade.PROVEN,
    quantities=tuple(sorted(quantity for quantity, _ in _COLUMNS.values())),
    request=ask_address,
    parse=parse,
)
