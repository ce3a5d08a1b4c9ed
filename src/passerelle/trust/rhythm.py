"""The rhythm of a series: its spacing, the local hours and weekdays of its values, and what is usual at each."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from passerelle.model.quantity import Statistic
from passerelle.trust.check import Floats, Record, Times

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365.25 * DAY

TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution is its standard deviation divided by this."""

Bins = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far starts usually lie apart, in microseconds, and whether nearly all of them do so."""

    usual: int
    regular: bool


def measure_spacing(start: Times) -> Spacing | None:
    """The median distance of successive starts, or None of fewer than three; regular where 9 of 10 are within 10 %.

    Days of clock change make a daily series differ by 1/24, which is within.
    """
    if len(start) < 3:
        return None
    apart = np.diff(start)
    usual = int(np.median(apart))
    multiple = apart / usual
    near = np.abs(multiple - np.round(multiple)) <= 0.1 * np.maximum(np.round(multiple), 1)
    return Spacing(usual, bool((near & (multiple > 0.5)).mean() >= 0.9 and (np.round(multiple) == 1).mean() >= 0.5))


def local_clock(start: Times, zone: ZoneInfo) -> Times:
    """The wall clock at each time, as microseconds since its own 1970."""
    clock = pl.Series(start).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone.key)
    shown: Times = clock.dt.replace_time_zone(None).to_physical().to_numpy()
    return shown


def weekly_bins(start: Times, zone: ZoneInfo, spacing: int) -> tuple[Bins, int]:
    """Which local hour of the week, or weekday where values are half a day or more apart, and how many there are."""
    hour = local_clock(start, zone) // HOUR
    # 1970 began on a Thursday; 72 hours later it was Sunday's midnight, and Monday is to be 0.
    of_week = (hour + 3 * 24) % (7 * 24)
    return (of_week // 24, 7) if spacing >= 12 * HOUR else (of_week, 7 * 24)


def medians(value: Floats, bins: Bins, count: int) -> Floats:
    """The median of each bin, NaN where it is empty."""
    order = np.lexsort((value, bins))
    size = np.bincount(bins, minlength=count)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    full = size > 0
    found = np.full(count, np.nan)
    low, high = first[full] + (size[full] - 1) // 2, first[full] + size[full] // 2
    found[full] = (value[order[low]] + value[order[high]]) / 2
    return found


def spread(residual: Floats, bins: Bins, count: int) -> Floats:
    """Each bin's standard deviation by its median: 1.4826 times the median absolute value, NaN where it is empty."""
    return TO_SIGMA * medians(np.abs(residual), bins, count)


def steady(record: Record) -> Floats:
    """The values on a scale on which their noise doesn't grow with them: 2 sqrt(x + 3/8) for counts (Anscombe 1948)."""
    if record.quantity.statistic in (Statistic.COUNT, Statistic.SUM) and (record.value >= 0).all():
        return 2 * np.sqrt(record.value + 0.375)
    return record.value


_TAIL, _FEWEST_IN_TAIL = 0.01, 8


def tail_limit(size: Floats, a_year: float, *, expected: float) -> float:
    """The size that chance passes `expected` times a year, of sizes that come `a_year` times; infinite of under 41.

    It extends an exponential tail (Pickands 1975): with q the quantiles of `size` and s the share of the tail (a
    hundredth, but eight sizes at least, so that a few faults don't hide themselves),
    q(1-s) + max((q(1-s) - q(1-5s)) / ln 5, q(1-s) / ln(1/s)) * ln(s a_year / expected).
    """
    if len(size) <= 5 * _FEWEST_IN_TAIL:
        return np.inf
    share = max(_TAIL, _FEWEST_IN_TAIL / len(size))
    low, high = np.quantile(size, [1 - 5 * share, 1 - share])
    slope = max((high - low) / np.log(5), -high / np.log(share))
    return float(high + slope * np.log(share * a_year / expected))


@dataclass(frozen=True, slots=True)
class Steps:
    """How unusual each step from one value to the next is at its local hour and kind of day.

    `size` counts standard deviations as medians tell them, NaN where the two values don't follow each other;
    `size[i]` leads to the value `i + 1`, whose local hour and kind of day, or weekday, is `bins[i]`. `limit` is what
    chance is expected to pass once in a thousand years.
    """

    size: Floats
    limit: float
    bins: Bins
    spacing: int


_FEWEST_STEPS = 60
_MOST_BEYOND, _FEW_BEYOND = 1 / 500, 4


def measure_steps(record: Record) -> Steps | None:
    """The steps of a regular series of enough values, or None.

    A step is compared with the median step at its local hour and kind of day, or weekday, in units of the spread there
    (1.4826 times the median absolute deviation), at least half the spread of all steps and one unit of resolution.
    Where more than one step in 500 passes the limit, large steps are the way of the series (a pump that starts and
    stops), nothing is unusual: None.
    """
    spacing = measure_spacing(record.start)
    if spacing is None or not spacing.regular or len(record.start) < _FEWEST_STEPS:
        return None
    value = steady(record)
    step = np.diff(value)
    follows = np.abs(np.diff(record.start) / spacing.usual - 1) < 0.1
    if follows.sum() < _FEWEST_STEPS or not step[follows].any():
        return None
    bins, count = weekly_bins(record.start[1:], record.zone, spacing.usual)
    if count > 7:
        bins, count = _by_kind_of_day(bins), 4 * 24
    centre = medians(step[follows], bins[follows], count)
    residual = step - centre[bins]
    moving = follows & (step != 0)
    overall = TO_SIGMA * float(np.median(np.abs(residual[moving])))
    floor = max(overall / 2, _resolution(value))
    scale = np.fmax(spread(residual[follows], bins[follows], count), floor)
    size = np.where(follows, residual / scale[bins], np.nan)
    limit = tail_limit(np.abs(size[follows]), YEAR / spacing.usual, expected=1e-3)
    if (np.abs(size[follows]) > limit).sum() > _FEW_BEYOND + _MOST_BEYOND * follows.sum():
        return None
    return Steps(size, limit, bins, spacing.usual)


def _by_kind_of_day(hour_of_week: Bins) -> Bins:
    """Hours of Monday, of Tuesday to Friday, of Saturday and of Sunday: the week begins and ends with a step."""
    day = hour_of_week // 24
    return np.where(day == 0, 0, np.maximum(day - 3, 1)) * 24 + hour_of_week % 24


def _resolution(value: Floats) -> float:
    """The smallest distance that lies between values, the finest 1 % left out as rounding."""
    apart = np.diff(np.unique(value))
    return float(np.quantile(apart, 0.01)) if len(apart) else 0.0
