"""How large an outcome was before the change, by the day, week, month or year: whether ratios of it can be formed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from passerelle.archive.archive import Archive
from passerelle.lake.contract import Selection
from passerelle.model.quantity import Quantity, Statistic
from passerelle.studies.gathered.calendar import midnight

BUCKETS = {"day": "P1D", "week": "P1W", "month": "P1M", "year": "P1Y"}
TOGETHER = {
    Statistic.COUNT: Statistic.SUM,
    Statistic.SUM: Statistic.SUM,
    Statistic.MEAN: Statistic.MEAN,
    Statistic.MEDIAN: Statistic.MEAN,
    Statistic.STATE: Statistic.MEAN,
    Statistic.MAX: Statistic.MAX,
    Statistic.MIN: Statistic.MIN,
}
"""How values of a time make one number, by the quantity's own statistic."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The mean size of each series' numbers before the change, and the series of which some are zero or less."""

    sizes: dict[int, float]
    empty: frozenset[int]


def read_levels(
    archive: Archive, series: Sequence[int], quantity: Quantity, before: date, start: date, every: str
) -> Levels:
    """The levels of `series` from the day `before` to that of the change; nothing from the change on is read."""
    zone = archive.city.time_zone
    selection = Selection(sorted(series), midnight(before, zone), midnight(start, zone))
    numbers = archive.lake.aggregate(selection, BUCKETS[every], TOGETHER[quantity.statistic], zone=zone)
    found = (
        pl.DataFrame(pl.from_arrow(numbers))
        .group_by("series")
        .agg(size=pl.col("value").abs().mean(), least=pl.col("value").min())
    )
    empty = found.filter(pl.col("least") <= 0)["series"]
    return Levels(dict(found.select("series", "size").iter_rows()), frozenset(empty))
