"""Hourly counts of permanent bicycle counters, as the dataset "comptage vélo" is recorded in Parquet.

`date` is the UTC hour a count begins at. Evidence on the recorded file: on working days of winter
the morning peak stands at 07, which is 8 to 9 o'clock in Paris (UTC+1), and in September at 06
(UTC+2); when an 18:00 curfew began on 16 January 2021 the mean of label 16 rose from 100 to 135
bicycles and that of label 18 fell from 135 to 88, so label 16 is the hour from 17:00 to 18:00 local.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pyarrow as pa

from passerelle.feeds._ask import ask_address
from passerelle.feeds._parquet import read_parquet, show
from passerelle.feeds._rows import assemble, plausible, refuse_where
from passerelle.feeds._text import read_bytes
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place, point

_QUANTITY = "bicycle_count"

_COLUMNS = {
    "counter_id": pa.string(),
    "counter_name": pa.string(),
    "site_name": pa.string(),
    "bike_count": pa.float64(),
    "date": pa.timestamp("us"),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
}


def parse(reply: Reply, feed: Feed) -> Parsed:  # noqa: ARG001  the signature every form has
    """One count per counter and hour; a place per counter, named for its site and direction."""
    known, unknown = refuse_where(
        read_parquet(read_bytes(reply), _COLUMNS),
        _unusable(),
        pl.lit("a counter, a full hour, a count and a position are needed"),
        raw=show(_COLUMNS),
    )
    known = known.with_columns(
        place=pl.format("counter:{}", "counter_id"),
        quantity=pl.lit(_QUANTITY),
        facet=pl.lit(""),
        start=pl.col("date").dt.replace_time_zone("UTC"),
        end=(pl.col("date") + timedelta(hours=1)).dt.replace_time_zone("UTC"),
        value=pl.col("bike_count"),
    )
    counters = known.unique("place", keep="first", maintain_order=True)
    places = [
        Place(place, "counter", name, point(longitude, latitude))
        for place, name, longitude, latitude in counters.select(
            "place", "counter_name", "longitude", "latitude"
        ).iter_rows()
    ]
    return assemble(places, known, [unknown])


def _unusable() -> pl.Expr:
    return ~(
        pl.col("counter_id").str.contains(r"^[\w.-]{1,100}$")
        & (pl.col("counter_name").str.strip_chars() != "")
        & pl.col("bike_count").is_finite()
        & plausible(pl.col("date")).is_not_null()
        & (pl.col("date").dt.truncate("1h") == pl.col("date"))
        & pl.col("latitude").is_between(-90, 90)
        & pl.col("longitude").is_between(-180, 180)
    )


FORM = Form(
    name="comptage_velo",
    title="Permanent bicycle counters, hourly (Parquet)",
    standard="comptage-velo-donnees-compteurs",
    grade=Grade.PROVEN,
    quantities=(_QUANTITY,),
    request=ask_address,
    parse=parse,
)
