"""Series of one quantity and facet side by side: what is shared by all, and what is one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerelle.trust.check import Floats, Record, Times
from passerelle.trust.rhythm import measure_spacing

_FEWEST_FILLED = 0.2
"""Of the table of series and times; less would be mostly empty."""


@dataclass(frozen=True, slots=True)
class Group:
    """Series that share their times: `value` has a row per series, NaN where it has none, and a column per time."""

    records: tuple[Record, ...]
    start: Times
    end: Times
    value: Floats


def group_series(records: Sequence[Record], fewest: int) -> list[Group]:
    """The series of regular spacing by quantity, facet and spacing, where at least `fewest` share their times."""
    found: dict[tuple[str, str, int], list[Record]] = {}
    for record in records:
        spacing = measure_spacing(record.start)
        if spacing is not None and spacing.regular:
            found.setdefault((record.series.quantity, record.series.facet, spacing.usual), []).append(record)
    groups = (_align(members) for members in found.values() if len(members) >= fewest)
    return [group for group in groups if group is not None]


def _align(records: list[Record]) -> Group | None:
    """The series side by side, or None where they share few of their times."""
    starts = np.concatenate([record.start for record in records])
    start, column = np.unique(starts, return_inverse=True)
    if len(starts) < _FEWEST_FILLED * len(start) * len(records):
        return None
    end = np.zeros_like(start)
    end[column] = np.concatenate([record.end for record in records])
    value = np.full((len(records), len(start)), np.nan)
    row = np.repeat(np.arange(len(records)), [len(record.start) for record in records])
    value[row, column] = np.concatenate([record.value for record in records])
    return Group(tuple(records), start, end, value)


def pool(group: Group, share: float) -> tuple[Times, Times, Floats]:
    """The times at which at least `share` of the series have a value, and there the mean value per series.

    It is the ratio of the present values' sum to the sum of the same series' medians, times the mean median, so that
    a large series that is absent for a time doesn't move it.
    """
    usual = np.nanmedian(group.value, axis=1)
    present = np.isfinite(group.value)
    kept = present.sum(axis=0) >= share * len(group.records)
    total = np.nansum(group.value[:, kept], axis=0)
    expected = usual @ present[:, kept]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(expected > 0, total / expected * usual.mean(), 0.0)
    return group.start[kept], group.end[kept], mean
