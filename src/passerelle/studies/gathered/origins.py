"""Where the numbers of a study come from: what was read of each series, and in which replies it came."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from passerelle.model.interval import format_time
from passerelle.model.series import format_series_id
from passerelle.registry.series import StoredSeries


def describe_origins(
    held: pl.DataFrame, used: Collection[int], series: Mapping[int, StoredSeries]
) -> list[dict[str, Any]]:
    """The finding's `data`: of each series in `used`, by number, its place, rows, first and last time, and replies."""
    spans = (
        held.filter(pl.col("series").is_in(list(used)))
        .group_by("series")
        .agg(
            pl.len().alias("rows"),
            pl.col("start").min().alias("first"),
            pl.col("start").max().alias("last"),
            pl.col("source").unique().sort().alias("replies"),
        )
        .sort("series")
    )
    return [
        {
            "series": format_series_id(row["series"]),
            "place": series[row["series"]].place,
            "place_name": series[row["series"]].place_name,
            "rows": row["rows"],
            "first": format_time(row["first"]),
            "last": format_time(row["last"]),
            "replies": row["replies"],
        }
        for row in spans.iter_rows(named=True)
    ]
