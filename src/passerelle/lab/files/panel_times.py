"""How the times of a file are written, and where they lie in a panel.

A panel counts times in steps: the largest step that all distances are multiples of is 1, and the first time is 0. So a
season of 7 is a week in daily data and a missing day leaves a gap of two, not a shift. Months, written as `2003-01`, as
the number 200301 or as dates of one and the same day of the month, are a step apart although their lengths differ.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np

from passerelle.lab.panel import Floats, Indices
from passerelle.model.errors import InvalidValueError

Read = Callable[[str], Fraction | None]

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_MONTH = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])")
_CENTURIES = ("16", "17", "18", "19", "20", "21")
"""Numbers of six digits are months only where all begin like a year people have data of."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """The times in ascending order: as they were written, as they were read, and in steps from the first."""

    labels: tuple[str, ...]
    values: tuple[Fraction, ...]
    times: Floats
    read: Read

    def place(self, text: str, where: str, *, beyond: bool = False) -> float:
        """The first of the times at or after `text`; before the first and after the last only where `beyond`.

        A change that began between two times is there at the next. After the last is infinite.
        """
        value = self.read(text)
        if value is None:
            raise InvalidValueError(f"{text!r} is not written like the times, such as {self.labels[0]!r}", where=where)
        if not beyond and not self.values[0] <= value <= self.values[-1]:
            raise InvalidValueError(
                f"{text!r} lies outside the times, {self.labels[0]!r} to {self.labels[-1]!r}", where=where
            )
        found = bisect_left(self.values, value)
        return math.inf if found == len(self.values) else float(self.times[found])

    def label(self, time: float) -> str:
        """How the panel's time `time` was written."""
        return self.labels[int(np.searchsorted(self.times, time))]


def read_clock(labels: Sequence[str], where: str) -> tuple[Clock, Indices]:
    """The clock of the distinct `labels`, and the place in it of each of them."""
    read = _reader(labels)
    values = [_required(read, label, labels, where) for label in labels]
    order = sorted(range(len(labels)), key=values.__getitem__)
    ascending = tuple(values[index] for index in order)
    gaps = [later - earlier for earlier, later in pairwise(ascending)]
    if 0 in gaps:
        same = order[gaps.index(Fraction(0)) :][:2]
        raise InvalidValueError(
            f"{where} writes one time in two ways: {[labels[index] for index in same]}", where=where
        )
    step = _greatest_step(gaps)
    times = np.array([float((value - ascending[0]) / step) for value in ascending])
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    return Clock(tuple(labels[index] for index in order), ascending, times, read), places


def _reader(labels: Sequence[str]) -> Read:
    if all(_MONTH.fullmatch(label) and label.startswith(_CENTURIES) for label in labels):
        return _read_month
    same_day = len(labels) > 1 and len({label[8:] for label in labels}) == 1
    if same_day and all(_parse(label) for label in labels):
        return _read_month
    # Where labels are mixed, the odd ones out are those to be shown.
    return max(_read_date, _read_number, key=lambda read: sum(read(label) is not None for label in labels))


def _required(read: Read, label: str, labels: Sequence[str], where: str) -> Fraction:
    value = read(label)
    if value is None:
        raise InvalidValueError(
            f"{where} holds {label!r}; times are numbers, ISO dates like 2003-01-31, or months like 2003-01, all in "
            f"one way, and others here are {', '.join(map(repr, [one for one in labels if one != label][:3]))}",
            where=where,
        )
    return value


def _read_number(text: str) -> Fraction | None:
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def _read_month(text: str) -> Fraction | None:
    """Months, and for a date how far in its month."""
    if found := _MONTH.fullmatch(text):
        return Fraction(12 * int(found[1]) + int(found[2]))
    date = _parse(text)
    if date is None:
        return None
    into = date - date.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (
        12 * date.year + date.month + Fraction(into // timedelta(microseconds=1), 31 * (_DAY // timedelta.resolution))
    )


def _read_date(text: str) -> Fraction | None:
    """Days since 1970; a time without zone is taken as it stands."""
    date = _parse(text)
    return None if date is None else Fraction((date - _EPOCH) // timedelta.resolution, _DAY // timedelta.resolution)


def _parse(text: str) -> datetime | None:
    if len(text) < len("2003-01-31"):
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _greatest_step(gaps: Sequence[Fraction]) -> Fraction:
    """The largest step that all gaps are multiples of."""
    if not gaps:
        return Fraction(1)
    whole = math.lcm(*(gap.denominator for gap in gaps))
    return Fraction(math.gcd(*(int(gap * whole) for gap in gaps)), whole)
