"""What each series admits, as sorted arrays, and the check of many rows against them at once."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from math import isfinite

import numpy as np
import numpy.typing as npt

from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR

AHEAD = _HOUR
"""How far a measured value may begin after the time its bytes were held: clocks run apart, and publishers label
an hour by its end or, once a year, by last season's offset. None of these exceeds an hour."""

AHEAD_KINDS = frozenset({"forecast", "agreed"})
"""What may be known of a time to come: what somebody expects, and what was agreed, such as tomorrow's prices."""

EARLIEST = -170 * 365 * _DAY
"""About 1800: before the first instrumental series of any city; older starts are broken clocks."""

LATEST = 230 * 365 * _DAY
"""About 2200: keeps every `end` within what other programs' calendars can hold."""

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SHORTEST = (365 * _DAY, 28 * _DAY, 7 * _DAY, _DAY, _HOUR, 60 * _SECOND, _SECOND)
_LONGEST = (366 * _DAY, 31 * _DAY, 7 * _DAY, _DAY, _HOUR, 60 * _SECOND, _SECOND)
_CALENDAR_PARTS = 4


class Fault(IntEnum):
    """Why a row is refused, in the order the reasons are looked for."""

    NONE = 0
    UNKNOWN_SERIES = 1
    OTHER_FEED = 2
    NEITHER_VALUE_NOR_REASON = 3
    VALUE_AND_REASON = 4
    EMPTY_INTERVAL = 5
    WRONG_LENGTH = 6
    OUT_OF_CALENDAR = 7
    AHEAD = 8
    NOT_FINITE = 9
    OUT_OF_BOUNDS = 10


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as arrays of one length: times in microseconds, `value` NaN where `empty`, `reasoned` where a reason is."""

    series: Integers
    start: Integers
    end: Integers
    value: Floats
    empty: Flags | None
    reasoned: Flags | None


@dataclass(frozen=True, slots=True)
class Limits:
    """For each series, by ascending number: its feed's index, bounds, interval lengths and how far it may run ahead."""

    numbers: Integers
    feed: npt.NDArray[np.int32]
    lower: Floats
    upper: Floats
    shortest: Integers
    longest: Integers
    ahead: Integers
    quantities: Sequence[str]
    feeds: Sequence[str]

    @classmethod
    def of(cls, words: Iterable[tuple[int, str, str]]) -> Limits:
        """The limits of series given as number, feed and quantity."""
        ordered = sorted(words)
        feeds = sorted({feed for _, feed, _ in ordered})
        index = {feed: at for at, feed in enumerate(feeds)}
        measured = [get_quantity(quantity) for _, _, quantity in ordered]
        lengths = [interval_lengths(quantity.interval) for quantity in measured]
        return cls(
            numbers=np.array([number for number, _, _ in ordered], np.int64),
            feed=np.array([index[feed] for _, feed, _ in ordered], np.int32),
            lower=np.array([quantity.lower for quantity in measured], np.float64),
            upper=np.array([quantity.upper for quantity in measured], np.float64),
            shortest=np.array([shortest for shortest, _ in lengths], np.int64),
            longest=np.array([longest for _, longest in lengths], np.int64),
            ahead=np.array([LATEST if quantity.kind in AHEAD_KINDS else AHEAD for quantity in measured], np.int64),
            quantities=[quantity.name for quantity in measured],
            feeds=feeds,
        )

    def find(self, series: Integers) -> tuple[Integers, Flags]:
        """For each number its place in the arrays, and whether it is there at all."""
        if not self.numbers.size:
            return np.zeros(series.size, np.int64), np.zeros(series.size, np.bool_)
        # Files and senders mostly give one series' rows together: a lookup per run is then enough.
        heads = np.flatnonzero(series[1:] != series[:-1]) + 1
        if heads.size * 4 < series.size:
            starts = np.concatenate(([0], heads))
            at = self._search(series[starts])
            at = np.repeat(at, np.diff(np.append(starts, series.size)))
        else:
            at = self._search(series)
        return at, self.numbers[at] == series

    def _search(self, series: Integers) -> Integers:
        return np.minimum(np.searchsorted(self.numbers, series), self.numbers.size - 1)

    def check(self, rows: Rows, held_at: datetime, feed: str | None = None) -> npt.NDArray[np.uint8] | None:
        """None where every row may be admitted, else a `Fault` for each; `feed` is the only one rows may belong to."""
        at, known = self.find(rows.series)
        now = _microseconds(held_at)
        if known.all() and self._are_admissible(rows, at, now) and self._belong(at, feed):
            return None
        return self._find_faults(rows, at, known, now, feed)

    def admit_one(self, series: int, start: int, end: int, value: float, feed: str, held_at: datetime) -> bool:
        """Whether one row with a value may be admitted, at a fraction of the cost of arrays of one."""
        at = bisect_left(self.numbers, series)
        if at == self.numbers.size or self.numbers[at] != series or self.feeds[self.feed[at]] != feed:
            return False
        return bool(
            self.lower[at] <= value <= self.upper[at]
            and isfinite(value)
            and self.shortest[at] <= end - start <= self.longest[at]
            and EARLIEST <= start <= _microseconds(held_at) + self.ahead[at]
            and end <= LATEST
        )

    def _belong(self, at: Integers, feed: str | None) -> bool:
        return feed is None or (feed in self.feeds and bool((self.feed[at] == self.feeds.index(feed)).all()))

    def _are_admissible(self, rows: Rows, at: Integers, now: int) -> bool:
        if rows.empty is not None or rows.reasoned is not None or not self.numbers.size:
            return False
        length = rows.end - rows.start
        # A value that isn't finite compares false with its bounds, infinite ones excepted.
        return bool(
            ((rows.value >= self.lower[at]) & (rows.value <= self.upper[at])).all()
            and np.isfinite(rows.value).all()
            and ((length >= self.shortest[at]) & (length <= self.longest[at])).all()
            and (rows.start <= now + self.ahead[at]).all()
            and rows.start.min(initial=0) >= EARLIEST
            and rows.end.max(initial=0) <= LATEST
        )

    def _find_faults(
        self, rows: Rows, at: Integers, known: Flags, now: int, feed: str | None
    ) -> npt.NDArray[np.uint8] | None:
        size = rows.series.size
        empty = np.zeros(size, np.bool_) if rows.empty is None else rows.empty
        reasoned = np.zeros(size, np.bool_) if rows.reasoned is None else rows.reasoned
        faults = np.zeros(size, np.uint8)
        if not self.numbers.size:
            faults[:] = Fault.UNKNOWN_SERIES
            return faults if size else None
        length = rows.end - rows.start
        in_bounds = (rows.value >= self.lower[at]) & (rows.value <= self.upper[at])
        own = self.feeds.index(feed) if feed in self.feeds else -1
        found = {
            Fault.UNKNOWN_SERIES: ~known,
            Fault.OTHER_FEED: np.zeros(size, np.bool_) if feed is None else self.feed[at] != own,
            Fault.NEITHER_VALUE_NOR_REASON: empty & ~reasoned,
            Fault.VALUE_AND_REASON: ~empty & reasoned,
            Fault.EMPTY_INTERVAL: rows.start >= rows.end,
            Fault.WRONG_LENGTH: (length < self.shortest[at]) | (length > self.longest[at]),
            Fault.OUT_OF_CALENDAR: (rows.start < EARLIEST) | (rows.end > LATEST),
            Fault.AHEAD: rows.start > now + self.ahead[at],
            Fault.NOT_FINITE: ~empty & ~np.isfinite(rows.value),
            Fault.OUT_OF_BOUNDS: ~empty & ~in_bounds,
        }
        for fault, where in reversed(found.items()):
            faults[where] = fault
        return faults if faults.any() else None


@cache
def interval_lengths(interval: str) -> tuple[int, int]:
    """The shortest and longest an interval of an ISO 8601 duration may be, in microseconds.

    Days and longer are local, so that a change of clocks makes them up to an hour shorter or
    longer; a quantity without a stated interval admits any up to ten years.

    >>> [length // 3_600_000_000 for length in interval_lengths("P1D")]
    [23, 25]
    """
    if not interval:
        return 1, 3_660 * _DAY
    matched = _DURATION.fullmatch(interval)
    if matched is None or not any(matched.groups()):
        raise InvalidValueError(f"{interval!r} is not an ISO 8601 duration", where="interval")
    parts = [int(part or 0) for part in matched.groups()]
    slack = _HOUR if any(parts[:_CALENDAR_PARTS]) else 0
    return (
        sum(count * unit for count, unit in zip(parts, _SHORTEST, strict=True)) - slack,
        sum(count * unit for count, unit in zip(parts, _LONGEST, strict=True)) + slack,
    )


def _microseconds(moment: datetime) -> int:
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * _SECOND + elapsed.microseconds
