"""Reads a bundle's tables back, and compares what a finding claims with what is computed again."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from passerelle.lab.result import Result
from passerelle.studies.bundle.bundle import TIME, TRUST_FILE
from passerelle.studies.gathered.cut import MARKS
from passerelle.studies.gathered.units import ROWS

_TOLERANCE = 1e-9


def read_rows(body: bytes) -> pl.DataFrame:
    """`rows.csv` in the columns of `units.ROWS`."""
    return pl.read_csv(io.BytesIO(body), schema={**ROWS, "start": pl.String()}).with_columns(
        pl.col("start").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    )


def read_marks(body: bytes) -> pl.DataFrame:
    """`trust.csv` in the columns of `cut.MARKS`."""
    times = [pl.col(name).str.to_datetime(TIME, time_unit="us", time_zone="UTC") for name in ("start", "end")]
    return pl.read_csv(io.BytesIO(body), schema={**MARKS, "start": pl.String(), "end": pl.String()}).with_columns(times)


def compare_estimate(claimed: Mapping[str, Any], found: Result, source: str) -> Iterator[str]:
    """What of a finding's `estimate` does not follow from `source`; infinite numbers are claimed as null."""
    numbers = {
        "effect": found.effect,
        "se": found.se,
        "low": found.interval[0],
        "high": found.interval[1],
        "p_value": found.p_value,
    }
    for name, value in numbers.items():
        if not _close(claimed[name], value):
            yield f"{name} computed from {source} is {value!r}, claimed {claimed[name]!r}"


def compare_share(claimed: float, found: float) -> Iterator[str]:
    """Whether as much is red as the finding claims."""
    if not _close(claimed, found):
        yield f"the share that is red by {TRUST_FILE} is {found!r}, claimed {claimed!r}"


def _close(claimed: float | None, found: float) -> bool:
    if claimed is None or not math.isfinite(found):
        return claimed is None and not math.isfinite(found)
    return math.isclose(claimed, found, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
