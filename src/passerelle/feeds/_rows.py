"""From columns of strings to parsed observations and refused rows, without a loop over rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from passerelle.feeds._csv import REFUSED
from passerelle.feeds.feed import Parsed
from passerelle.model.observation import PARSED
from passerelle.model.observation import REFUSED as REFUSED_ROWS
from passerelle.model.place import Place

_NUMBER = r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"


NOTHING = pl.DataFrame(
    schema={"place": pl.String, "quantity": pl.String, "facet": pl.String, "value": pl.Float64, "row": pl.Int64}
    | dict.fromkeys(("start", "end"), pl.Datetime("us", "UTC"))
)
"""Observations of a reply that has none."""


def refuse_where(
    rows: pl.DataFrame, bad: pl.Expr, reason: pl.Expr, raw: pl.Expr | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows where `bad` is false, and the others as refused with their `reason`.

    `raw` makes the text of a refused row where the rows have no column `raw`.
    """
    # One chunk: polars 2.1 panics in `format` over a frame of which a filter emptied the first chunk.
    rows = rows.rechunk()
    marked = rows.with_columns(_bad=bad.fill_null(value=True))
    none = not marked["_bad"].any()
    kept = rows if none else marked.filter(~pl.col("_bad")).drop("_bad")
    text = pl.col("raw") if raw is None else raw
    refused = marked.clear() if none else marked.filter("_bad")
    return kept, refused.select("row", reason.alias("reason"), text.alias("raw"))


def read_numbers(
    rows: pl.DataFrame,
    columns: Mapping[str, tuple[str, str]],
    *,
    absent: Collection[str] = (),
    pattern: str = _NUMBER,
    decimal: str = ".",
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per value of `columns` (each with its quantity and facet), and the values refused.

    A value that is one of `absent` is the publisher's word for none and gives no row; another is a
    number where it fits `pattern`.
    """
    words = pl.DataFrame(
        {
            "column": list(columns),
            "quantity": [quantity for quantity, _ in columns.values()],
            "facet": [facet for _, facet in columns.values()],
        }
    )
    long = rows.unpivot(
        list(columns),
        index=[name for name in rows.columns if name not in columns],
        variable_name="column",
        value_name="text",
    )
    long = long.filter(~pl.col("text").is_in(list(absent))).join(words, on="column", maintain_order="left")
    good, refused = refuse_where(
        long,
        ~pl.col("text").str.contains(pattern),
        pl.format("{} is '{}', not a number", "column", pl.col("text").str.slice(0, 40)),
    )
    return good.with_columns(value=pl.col("text").str.replace(decimal, ".", literal=True).cast(pl.Float64)), refused


def plausible(clock: pl.Expr) -> pl.Expr:
    """`clock` where its year is 1800 to 2199, else null: `12018` is a slip of the pen, not a date."""
    moment = clock.cast(pl.Datetime("us"))
    return pl.when(moment.is_between(pl.datetime(1800, 1, 1), pl.datetime(2200, 1, 1), closed="left")).then(moment)


def instant(text: pl.Expr) -> pl.Expr:
    """The UTC instant of a time of RFC 3339, `T` or a space before the hour; null where it has no offset."""
    written = text.str.replace("Z$", "+00:00").str.replace(" ", "T", literal=True)
    moment = written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    return plausible(moment.dt.replace_time_zone(None)).dt.replace_time_zone("UTC")


def local_instant(clock: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    """The UTC instant of a wall-clock time in `zone`.

    Where the clock shows a time twice this is the first occurrence; a time the clock skips, or in
    no plausible year, is null.
    """
    zoned = plausible(clock).dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def ordered_instant(clock: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    """As `local_instant`, for rows in order of time: where the clock shows a time twice and so do the rows,
    the second is the later one.
    """
    zoned = plausible(clock).dt.replace_time_zone(zone.key, ambiguous="latest", non_existent="null")
    second = pl.int_range(pl.len()).over(clock) == 1
    return pl.when(second).then(zoned.dt.convert_time_zone("UTC")).otherwise(local_instant(clock, zone))


def local_days(day: pl.Expr, zone: ZoneInfo) -> dict[str, pl.Expr]:
    """`start` and `end` of local days as UTC instants: 23, 24 or 25 hours apart."""
    return {"start": local_instant(day, zone), "end": local_instant(day.dt.offset_by("1d"), zone)}


def slug(name: str) -> str:
    """`name` as a part of a place's id: small Latin letters, digits and single hyphens.

    >>> slug("Castro/Upper Market"), slug("Île-de-France")
    ('castro-upper-market', 'ile-de-france')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")


def assemble(places: Iterable[Place], observations: pl.DataFrame, refused: Iterable[pl.DataFrame]) -> Parsed:
    """The parsed reply, observations and refused rows in the order of the reply's rows.

    A column `reason` of `observations` says why a row withdraws a value; without it none does.
    """
    rows = observations.rechunk()
    if "reason" not in rows.columns:
        rows = rows.with_columns(reason=pl.lit(None, pl.String))
    rows = rows.select(PARSED.names)
    bad = pl.concat([pl.DataFrame(schema=REFUSED), *refused])
    return Parsed(
        places=tuple(places),
        observations=_arrow(rows.sort("row", maintain_order=True), PARSED),
        refused=_arrow(bad.sort("row", maintain_order=True), REFUSED_ROWS),
    )


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    table: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.cast(schema).combine_chunks()
