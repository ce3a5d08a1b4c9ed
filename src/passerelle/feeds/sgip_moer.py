"""California's SGIP signal: marginal emissions of a grid region every five minutes, with forecasts (CSV).

Two schemes are read. One has a row every five minutes with `moer`, the rate over the five minutes from
`time` on, and `f1` to `f36`, what was then forecast of the five minutes that begin 5 to 180 minutes later.
The other has a row an hour: `moer` is the mean of `n` such rates, `moer_forecast_1h_ahead` and
`moer_forecast_3h_ahead` are `f12` and `f36` of the hour's first row. So a forecast doesn't stand
for its row's time but for the five minutes an hour or three after it.

Evidence, where the two recorded files overlap (768 hours of September 2020): `moer` is the mean of twelve
rates and the forecasts are `f12` and `f36` to the five decimals given; of all shifts `f12` is nearest
to the rates 60 minutes later and `f36` to those 180 minutes later.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, instant, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place

_TIME, _RATE, _NUMBER = "time", "moer", "n"
_RATES, _FORECASTS = "electricity_marginal_emissions", "electricity_marginal_emissions_forecast"
_STEP = 5
_WHOLE = "12"
_SMALL = r"^-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:e-[0-9]{1,2})?$"
"""A number as the files write it: rates near none as `8e-05`."""

_LEADS_OF_ROWS = {f"f{step}": step * _STEP for step in range(1, 37)}
_LEADS_OF_HOURS = {"moer_forecast_1h_ahead": 60, "moer_forecast_3h_ahead": 180}


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Rates per five minutes or hour and forecasts per five minutes, for the region the feed's parameters name."""
    for key in ("region_code", "region_name"):
        if not isinstance(feed.parameters.get(key), str):
            raise InvalidValueError(f"feed {feed.id!r}: parameter {key} is needed, as text", where=key)
    text = read_text(reply, "utf-8")
    hourly = next(iter(_LEADS_OF_HOURS)) in text.partition("\n")[0]
    leads, minutes = (_LEADS_OF_HOURS, 60) if hourly else (_LEADS_OF_ROWS, _STEP)
    columns = {_RATE: (_RATES, "")} | {name: (_FORECASTS, f"{lead}_min_ahead") for name, lead in leads.items()}
    lines, malformed = read_lines(text, [_TIME, *([_NUMBER] if hourly else []), *columns])
    counted = lines if hourly else lines.with_columns(pl.lit(_WHOLE).alias(_NUMBER))
    begun = counted.with_columns(begin=instant(pl.col(_TIME)))
    timed, untimed = refuse_where(
        begun,
        pl.col("begin").is_null() | (pl.col("begin").dt.truncate(f"{minutes}m") != pl.col("begin")),
        pl.format(
            "'{}' is not the beginning of {} minutes with its offset", pl.col(_TIME).str.slice(0, 40), pl.lit(minutes)
        ),
    )
    whole, thin = refuse_where(
        timed,
        pl.col(_NUMBER) != _WHOLE,
        pl.format("the mean of {} rates; {} make an hour", pl.col(_NUMBER).str.slice(0, 40), pl.lit(_WHOLE)),
    )
    values, unread = read_numbers(whole, columns, absent=[""], pattern=_SMALL)
    lead = pl.col("column").replace_strict(leads, default=0, return_dtype=pl.Int64)
    length = pl.when(lead > 0).then(_STEP).otherwise(minutes)
    start = pl.col("begin") + pl.duration(minutes=lead)
    place = Place(f"grid-region:{feed.parameters['region_code']}", "grid_region", feed.parameters["region_name"])
    rows = values.with_columns(place=pl.lit(place.id), start=start, end=start + pl.duration(minutes=length))
    return assemble([place] if rows.height else [], rows, [malformed, untimed, thin, unread])


FORM = Form(
    name="sgip_moer",
    title="SGIP marginal emissions with forecasts (CSV)",
    standard="California SGIP GHG signal, marginal operating emissions rate",
    grade=Grade.PROVEN,
    quantities=(_RATES, _FORECASTS),
    request=ask_address,
    parse=parse,
)
