"""Battle of Water Demand Forecasting: hourly inflow of ten districts in Italy, and the weather there (XLSX).

Two workbooks: inflows with a column per district, weather with a column per quantity. Times are the
local clock's ("CET-CEST") and begin the hour: the sheets run from 00:00 of their first day to 23:00
of their last. They skip 02:00 where spring skips it and tell it twice in autumn, in order, so that
every hour is in them once. `NaN` is the publisher's word for no value.

An inflow is a mean: all are whole multiples of 0.0025 L/s, a quarter of the hundredth of a litre that
four readings an hour would be given in. Wind is given in km/h and read in m/s. Where the districts
and the weather station lie isn't said.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._rows import assemble, ordered_instant, read_numbers, refuse_where
from passerelle.feeds._xlsx import read_sheet
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place

_TIME = "Date-time CET-CEST (DD/MM/YYYY HH:mm)"
_DISTRICTS = {f"DMA {number} (L/s)": ("water_inflow", "") for number in range(1, 11)}
_WEATHER = {
    "Rainfall depth (mm)": ("rainfall", ""),
    "Air temperature (°C)": ("air_temperature", ""),
    "Air humidity (%)": ("relative_humidity", ""),
    "Windspeed (km/h)": ("wind_speed", ""),
}
_ABSENT = ["NaN"]
_KM_PER_H = 3.6
"""Of them one metre per second."""

_STATION = Place("bwdf:weather", "weather_station", "Weather of the BWDF districts")


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Mean inflows per district and hour, or four quantities of weather per hour, as the workbook has them."""
    lines = read_sheet(reply, [_TIME, *_DISTRICTS], [_TIME, *_WEATHER])
    clock = pl.col(_TIME).str.to_datetime("%d/%m/%Y %H:%M", time_unit="us", strict=False)
    timed, untimed = refuse_where(
        lines.with_columns(start=ordered_instant(clock, feed.time_zone)),
        pl.col("start").is_null() | (clock.dt.minute() != 0),
        pl.format("'{}' is not a full hour of the local clock, day/month/year hour:00", pl.col(_TIME).str.slice(0, 40)),
    )
    timed = timed.with_columns(end=pl.col("start").dt.offset_by("1h"))
    if _WEATHER.keys() <= set(lines.columns):
        rows, unread = read_numbers(timed.with_columns(place=pl.lit(_STATION.id)), _WEATHER, absent=_ABSENT)
        metres = pl.when(pl.col("quantity") == "wind_speed").then(pl.col("value") / _KM_PER_H).otherwise("value")
        return assemble([_STATION] if rows.height else [], rows.with_columns(value=metres), [untimed, unread])
    rows, unread = read_numbers(timed, _DISTRICTS, absent=_ABSENT)
    number = pl.col("column").str.extract("^DMA ([0-9]+)")
    rows = rows.with_columns(place=pl.format("bwdf:dma-{}", number))
    present = rows.select("place", name=pl.format("DMA {}", number)).unique(maintain_order=True)
    return assemble([Place(place, "district", name) for place, name in present.iter_rows()], rows, [untimed, unread])


FORM = Form(
    name="bwdf",
    title="Hourly inflow of water districts, with weather (XLSX)",
    standard="Battle of Water Demand Forecasting, WDSA/CCWI 2024",
    grade=Grade.PROVEN,
    quantities=tuple(sorted(quantity for quantity, _ in [*_WEATHER.values(), ("water_inflow", "")])),
    request=ask_address,
    parse=parse,
)
