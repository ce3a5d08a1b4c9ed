"""`/api/v1/availability`: how much of each quantity is held, and of which months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from litestar import Request, Response, get
from litestar.di import NamedDependency

from passerelle.api.cursors import Page
from passerelle.api.node import Node
from passerelle.api.parameters import SectorName, check_sector
from passerelle.api.tagged import answer_tagged
from passerelle.feeds.feed import Redistribute
from passerelle.model.quantity import get_quantity
from passerelle.registry.series import list_descriptions

_HELD = {"feed": pl.String, "quantity": pl.String, "facet": pl.String, "place": pl.String, "placed": pl.Boolean}


class MonthOut(msgspec.Struct, frozen=True):
    """How many observations start in a month, which begins at midnight on the city's clocks."""

    start: datetime
    observations: int


class AvailabilityOut(msgspec.Struct, frozen=True):
    """What is held of a quantity from one feed; `first` and `last` are starts.

    `places` counts places, `placed` those with a position and `placed_observations` what is held of these; `facets`
    are the publisher's divisions, an empty one where a series has none.
    """

    feed: str
    feed_title: dict[str, str]
    quantity: str
    sector: str
    unit: str
    statistic: str
    redistribute: str
    facets: list[str]
    places: int
    placed: int
    series: int
    first: datetime | None
    last: datetime | None
    observations: int
    placed_observations: int
    months: list[MonthOut]


@get("/availability", tags=["values"], sync_to_thread=True)
def list_all(
    request: Request[Any, Any, Any], node: NamedDependency[Node], sector: SectorName = None
) -> Response[Page[AvailabilityOut]]:
    """Each quantity of each feed, by sector; while observations come in, counts may be some seconds old."""
    check_sector(sector)
    with node.archive.engine.connect() as connection:
        rows = list_descriptions(connection)
    series = pl.DataFrame(rows, schema={"series": pl.Int64, **_HELD}, orient="row")
    held = series.join(_read_coverage(node), on="series", how="left")
    summed = held.group_by("feed", "quantity").agg(
        facets=pl.col("facet").unique().sort(),
        places=pl.col("place").n_unique(),
        placed=pl.col("place").filter(pl.col("placed")).n_unique(),
        series=pl.len(),
        first=pl.col("first").min(),
        last=pl.col("last").max(),
        observations=pl.col("rows").sum(),
        placed_observations=pl.col("rows").filter(pl.col("placed")).sum(),
    )
    months = _read_months(node, series)
    items = [
        _show(node, row, months.get((row["feed"], row["quantity"]), []))
        for row in summed.sort("feed", "quantity").iter_rows(named=True)
        if sector in (None, get_quantity(row["quantity"]).sector)
    ]
    return answer_tagged(request, Page(items, None))


def _read_coverage(node: Node) -> pl.DataFrame:
    return node.coverage.read_all().select("series", "first", "last", "rows")


def _read_months(node: Node, series: pl.DataFrame) -> dict[tuple[str, str], list[MonthOut]]:
    counted = series.join(node.months.read_all().select("series", "bucket", "count"), on="series")
    by_month = counted.group_by("feed", "quantity", "bucket").agg(pl.col("count").sum()).sort("bucket")
    months: dict[tuple[str, str], list[MonthOut]] = {}
    for feed, quantity, start, count in by_month.iter_rows():
        months.setdefault((feed, quantity), []).append(MonthOut(start, count))
    return months


def _show(node: Node, row: dict[str, Any], months: Sequence[MonthOut]) -> AvailabilityOut:
    quantity, feed = get_quantity(row.pop("quantity")), node.feeds.get(row["feed"])
    return AvailabilityOut(
        feed_title=dict.fromkeys(("en", "fr"), row["feed"]) if feed is None else dict(feed.title),
        quantity=quantity.name,
        sector=quantity.sector,
        unit=quantity.unit,
        statistic=quantity.statistic,
        redistribute=Redistribute.NO if feed is None else feed.redistribute,
        months=list(months),
        **row,
    )
