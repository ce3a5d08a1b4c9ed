"""EIA API v2, hourly demand and generation by source of the United States' balancing authorities (JSON).

`period` is UTC and names the hour that ends, as the column "UTC Time at End of Hour" of EIA-930's own
files says. Values are megawatthours of one hour, so mean megawatts. A value may be a number, a number
as a string, or null where nothing was reported. An answer holds 5,000 rows at most, whatever its `total`.

Names of authorities in recorded replies are not theirs (BPAT is "Avangrid Renewables, LLC" in one and
"Bonneville Power Administration" in another), so the feed's parameter `respondents` gives each its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._json import read_json, read_objects
from passerelle.feeds._rows import assemble, plausible, read_numbers, refuse_where
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place

_PERIOD, _AREA, _VALUE, _UNITS = "period", "respondent", "value", "value-units"

_GENERATION = "electricity_generation"
_TYPES = {"D": ("electricity_demand", ""), "DF": ("electricity_demand_forecast", "day_ahead")}
_SOURCES = {
    "BAT": "battery",
    "COL": "coal",
    "GEO": "geothermal",
    "NG": "gas",
    "NUC": "nuclear",
    "OIL": "oil",
    "OTH": "other",
    "PS": "pumped_storage",
    "SUN": "solar",
    "WAT": "hydro",
    "WIND": "wind",
    "WND": "wind",
}
"""EIA-930's energy sources. The recorded reply writes WIND, EIA's list WND."""


class _Response(msgspec.Struct):
    frequency: str
    data: list[msgspec.Raw]


class _Answer(msgspec.Struct):
    response: _Response


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Mean powers per balancing authority and hour; the facet is the source, or how far ahead a forecast was made."""
    names = feed.parameters.get("respondents")
    if not isinstance(names, Mapping) or not all(isinstance(name, str) and name for name in names.values()):
        raise InvalidValueError(
            f"feed {feed.id!r}: parameter respondents is needed, a table of codes and names", where="respondents"
        )
    answer: _Answer = read_json(reply, _Answer)
    if answer.response.frequency != "hourly":
        raise ReplyError(f"the frequency is {answer.response.frequency[:40]!r}; hourly is read", where="frequency")
    kinds = _list_kinds()
    objects = read_objects(answer.response.data, [_PERIOD, _AREA, _VALUE, _UNITS, "type", "fueltype"])
    known, unknown = refuse_where(
        objects.rows.join(kinds, on=["type", "fueltype"], how="left", maintain_order="left"),
        pl.col("means").is_null() | (pl.col(_UNITS) != "megawatthours") | ~pl.col(_AREA).is_in(list(names)),
        pl.format(
            "type '{}{}' in '{}' isn't known, or '{}' is no respondent of the feed",
            *(pl.col(name).str.slice(0, 40) for name in ("type", "fueltype", _UNITS, _AREA)),
        ),
    )
    ending = (pl.col(_PERIOD) + ":00").str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False)
    timed, untimed = refuse_where(
        known.with_columns(end=plausible(ending).dt.replace_time_zone("UTC")),
        pl.col("end").is_null(),
        pl.format("'{}' is not an hour, year-month-dayThour", pl.col(_PERIOD).str.slice(0, 40)),
    )
    values, unread = read_numbers(timed, {_VALUE: ("", "")}, absent=[""])
    rows = values.with_columns(
        place=pl.format("balancing-area:{}", _AREA),
        quantity="means",
        facet="part",
        start=pl.col("end") - timedelta(hours=1),
    )
    places = [Place(f"balancing-area:{area}", "balancing_area", names[area]) for area in rows[_AREA].unique().sort()]
    return assemble(places, rows, [objects.refused, unknown, untimed, unread])


def _list_kinds() -> pl.DataFrame:
    """What the pairs of `type` and `fueltype` mean; every row has one of the two."""
    rows: list[dict[str, Any]] = [
        {"type": code, "fueltype": "", "means": quantity, "part": facet} for code, (quantity, facet) in _TYPES.items()
    ]
    rows += [{"type": "", "fueltype": code, "means": _GENERATION, "part": source} for code, source in _SOURCES.items()]
    return pl.DataFrame(rows)


FORM = Form(
    name="eia_v2",
    title="EIA API v2, hourly demand and generation by source (JSON)",
    standard="EIA Open Data API v2, electricity/rto",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({_GENERATION, *(quantity for quantity, _ in _TYPES.values())})),
    request=ask_address,
    parse=parse,
)
