"""What trust takes out of a study: the units and series in which something is marked red.

Sums are over a fixed set of series, so that a red hour of one series takes out either that series or its unit of time.
Taken first is whichever has the largest share of red, as long as any is left: an outage of all takes out a day,
a broken sensor a series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from passerelle.trust.check import Light
from passerelle.trust.light import BLOCKING_SHARE

MARKS: dict[str, pl.DataType] = {
    "series": pl.Int64(),
    "start": pl.Datetime("us", "UTC"),
    "end": pl.Datetime("us", "UTC"),
    "light": pl.String(),
    "check": pl.String(),
}
"""The columns of the marks a study reads."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of the windows is red, in time times series, the light that makes, and what was taken out for it.

    `units` are those of the grid (a day, or a week's Monday); `series` are numbers.
    """

    share: float
    light: Light
    units: pl.Series
    series: tuple[int, ...]


def find_cut(marks: pl.DataFrame, cells: pl.DataFrame, series: Sequence[int]) -> Cut:
    """What the marks (columns of `MARKS`) take out of `cells` for the `series` that would be summed.

    A row of `cells` is a value that each series should have: `start`, `stop`, its `unit`, and whether it lies
    `inside` the study's windows.
    """
    marked = marks.filter(pl.col("series").is_in(series)).rename({"start": "since", "end": "until"})
    touched = cells.join_where(marked, pl.col("start") < pl.col("until"), pl.col("stop") > pl.col("since"))
    red = touched.filter(pl.col("light") == Light.RED.value).unique(["series", "start"])
    expected = int(cells["inside"].sum()) * len(series)
    share = int(red["inside"].sum()) / expected if expected else 0.0
    partly = Light.AMBER if touched["inside"].any() else Light.GREEN
    bad = red.select("series", "unit").unique().sort("series", "unit")
    rows, columns = bad["series"].unique().sort(), bad["unit"].unique().sort()
    matrix = np.zeros((rows.len(), columns.len()), dtype=bool)
    matrix[rows.search_sorted(bad["series"]), columns.search_sorted(bad["unit"])] = True
    out, units = take_out(matrix, len(series), cells["unit"].n_unique())
    light = Light.RED if share > BLOCKING_SHARE else partly
    return Cut(share, light, columns.filter(pl.Series(units, dtype=pl.Boolean)), tuple(rows.to_numpy()[out].tolist()))


@dataclass(frozen=True, slots=True)
class Reds:
    """What is red of a panel: the share of all its values, the light that makes, and the cells (`series`, `time`) in
    which one is."""

    share: float
    light: Light
    cells: pl.DataFrame


def find_reds(marks: pl.DataFrame, grid: pl.DataFrame, series: Sequence[int]) -> Reds:
    """What the marks (columns of `MARKS`) make red of `grid`, whose rows are the values that each of `series` should
    have: `start`, `stop` and the `time` it lies in."""
    marked = marks.filter(pl.col("series").is_in(series)).rename({"start": "since", "end": "until"})
    values = grid.select("start", "stop", "time")
    touched = values.join_where(marked, pl.col("start") < pl.col("until"), pl.col("stop") > pl.col("since"))
    red = touched.filter(pl.col("light") == Light.RED.value).unique(["series", "start"])
    expected = values.height * len(series)
    share = red.height / expected if expected else 0.0
    partly = Light.AMBER if touched.height else Light.GREEN
    cells = red.select("series", "time").unique().sort("series", "time")
    return Reds(share, Light.RED if share > BLOCKING_SHARE else partly, cells)


def take_out(bad: NDArray[np.bool_], series: int, units: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows (of `series` in all) and columns (of `units`) to take out, worst first, until nothing bad is left."""
    left = bad.copy()
    rows, columns = np.zeros(left.shape[0], dtype=bool), np.zeros(left.shape[1], dtype=bool)
    while left.any():
        of_unit, of_series = left.sum(axis=0) / (series - rows.sum()), left.sum(axis=1) / (units - columns.sum())
        if of_unit.max() >= of_series.max():
            worst = int(of_unit.argmax())
            columns[worst], left[:, worst] = True, False
        else:
            worst = int(of_series.argmax())
            rows[worst], left[worst] = True, False
    return rows, columns
