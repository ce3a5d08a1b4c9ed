"""EIA-930 hourly demand of a balancing (sub)area, as Ruggles et al. collected or cleaned it.

A raw file has the demand that was reported beside the operator's forecast of the day before; a
cleaned one has it beside what their screening and imputation made of it.

Times are UTC and name the hour that ends: "the reported demand value for each hour corresponds to
the integrated mean value in megawatts over the previous hour" and "all times are UTC" (README of
https://github.com/truggles/EIA_Cleaned_Hourly_Electricity_Demand_Data). The recorded file agrees:
it has 24 hours on every day of the year, clock changes included; the winter evening peak stands at
03, so 02:00-03:00 UTC, which is 18:00-19:00 in California, and moves by an hour with the clocks.

`category` is the screening's verdict. A raw value that isn't `OKAY` is still what was reported and
is read as such; `MISSING` and `EMPTY` say that nothing was reported.
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

_TIME = "date_time"

_REPORTED = {"raw demand (MW)": ("electricity_demand", "")}
_FORECAST = {"forecast demand (MW)": ("electricity_demand_forecast", "day_ahead")}
_CLEANED = {"cleaned demand (MW)": ("electricity_demand_imputed", "")}

_ABSENT = ("MISSING", "EMPTY", "NA")


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Demand per hour, reported and imputed or forecast, for the area that `area_code` and `area_name` name."""
    for key in ("area_code", "area_name"):
        if not isinstance(feed.parameters.get(key), str):
            raise InvalidValueError(f"feed {feed.id!r}: parameter {key} is needed, as text", where=key)
    text = read_text(reply, "utf-8")
    is_raw = next(iter(_FORECAST)) in text.partition("\n")[0]
    values = _REPORTED | (_FORECAST if is_raw else _CLEANED)
    lines, malformed = read_lines(text, [_TIME, *values] if is_raw else [_TIME, "category", *values])
    ending = pl.col(_TIME).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    timed, untimed = refuse_where(
        lines.with_columns(end=plausible(ending).dt.replace_time_zone("UTC")),
        pl.col("end").is_null() | (pl.col("end").dt.truncate("1h") != pl.col("end")),
        pl.format("'{}' is not a full hour, year-month-day hour:00:00", pl.col(_TIME).str.slice(0, 40)),
    )
    rows, unread = read_numbers(timed, values, absent=_ABSENT)
    place = Place(f"balancing-area:{feed.parameters['area_code']}", "balancing_area", feed.parameters["area_name"])
    rows = rows.with_columns(place=pl.lit(place.id), start=pl.col("end") - timedelta(hours=1))
    return assemble([place] if rows.height else [], rows, [malformed, untimed, unread])


FORM = Form(
    name="eia930",
    title="EIA-930 hourly demand, raw with its forecast or cleaned (CSV)",
    standard="Form EIA-930, collected and cleaned by Ruggles et al. 2020",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in (_REPORTED | _FORECAST | _CLEANED).values()})),
    request=ask_address,
    parse=parse,
)
