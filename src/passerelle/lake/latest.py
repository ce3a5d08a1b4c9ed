"""The latest value of each series, and the greatest start it ever had, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from passerelle.model.observation import TIME, VERSION

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Odd multipliers with bits all over: 2^64 over the golden ratio, and one of xxHash's primes.
_ODD = np.int64(-7046029254386353131)
_ODDER = np.int64(-4417276706812531889)
_BEFORE_ALL = np.iinfo(np.int64).min
_INTEGERS = ("horizon", "start", "end", "known_since", "source", "changes")


class Latest:
    """One slot a series, in order of its number.

    `horizon` is the greatest start that any row of the series had, withdrawn ones too: a row
    beyond it has a new key. `stale` marks slots whose latest can't be told from memory (it was
    withdrawn, say); `changes` counts the rows a slot was touched by. Not thread-safe.
    """

    def __init__(self) -> None:
        self._series: Integers = np.empty(0, np.int64)
        self._columns: dict[str, Integers] = {name: np.empty(0, np.int64) for name in _INTEGERS}
        self._value: npt.NDArray[np.float64] = np.empty(0)
        self._stale: Flags = np.empty(0, np.bool_)
        self._last: tuple[Integers, Integers] = (self._series, self._series)
        """The series of the last batch with their slots: the next one often has the same."""

    def admit(self, rows: pa.Table) -> Flags:
        """Which of `rows` surely have new keys (and a value); the slots are brought up to date with all of them."""
        batch = _Batch(rows)
        slots = self._slots(batch.series)
        horizon = self._columns["horizon"]
        beyond = batch.start > horizon[slots]
        fresh: Flags = beyond & batch.valued & single_keys(slots, batch.start)
        if not beyond.all():
            self._admit_known(batch, slots, ~beyond)
        if not fresh.all():
            self._stale[slots[beyond & ~fresh]] = True
        np.maximum.at(horizon, slots, batch.start)
        # A fresh row at its series' horizon is the latest; no other of the batch has its key.
        greatest = np.flatnonzero(fresh & (batch.start == horizon[slots]))
        self._put(slots[greatest], batch, greatest)
        self._columns["changes"][slots] += 1
        return fresh

    def _admit_known(self, batch: _Batch, slots: Integers, within: Flags) -> None:
        """Rows not beyond the horizon: what they do to a slot shows where they have its very start."""
        column = self._columns
        held = column["start"][slots]
        empty = held == _BEFORE_ALL
        self._stale[slots[within & (empty | (batch.start > held))]] = True
        met = within & ~empty & (batch.start == held) & (batch.known_since >= column["known_since"][slots])
        at = np.flatnonzero(met)
        again = slots[at]
        _, which, counts = np.unique(again, return_inverse=True, return_counts=True)
        same = (batch.value[at] == self._value[again]) & (batch.end[at] == column["end"][again])
        unclear = (counts[which] > 1) | ~batch.valued[at]
        self._stale[again[unclear]] = True
        plain = ~unclear & ~same
        self._put(again[plain], batch, at[plain])

    def _put(self, slots: Integers, batch: _Batch, at: Integers) -> None:
        for name in ("start", "end", "known_since", "source"):
            self._columns[name][slots] = getattr(batch, name)[at]
        self._value[slots] = batch.value[at]

    def copy(self) -> Latest:
        """The same content, to be changed apart."""
        other = Latest()
        other._series, other._value, other._stale = self._series.copy(), self._value.copy(), self._stale.copy()
        other._columns = {name: column.copy() for name, column in self._columns.items()}
        return other

    def stale(self, series: Sequence[int] | None) -> dict[int, int]:
        """Of `series` (all when None), those whose latest must be read, with their count of changes."""
        slots = self._known(series)
        slots = slots[self._stale[slots]]
        return dict(zip(self._series[slots].tolist(), self._columns["changes"][slots].tolist(), strict=True))

    def refresh(self, asked: dict[int, int], rows: pa.Table) -> None:
        """Put `rows`, what was read for the series `asked`, where no change came in between."""
        numbers = np.fromiter(asked, np.int64, len(asked))
        slots = np.searchsorted(self._series, numbers)
        slots = slots[self._columns["changes"][slots] == np.fromiter(asked.values(), np.int64, len(asked))]
        self._columns["start"][slots] = _BEFORE_ALL
        self._stale[slots] = False
        batch = _Batch(rows)
        found = np.searchsorted(self._series, batch.series)
        at = np.flatnonzero(np.isin(found, slots))
        self._put(found[at], batch, at)

    def table(self, series: Sequence[int] | None) -> pa.Table:
        """The latest rows of `series` (all when None) in schema `VERSION`, those without one left out."""
        slots = self._known(series)
        slots = slots[self._columns["start"][slots] != _BEFORE_ALL]
        times = {name: pa.array(self._columns[name][slots]).cast(TIME) for name in ("start", "end", "known_since")}
        columns = {
            "series": pa.array(self._series[slots]),
            "value": pa.array(self._value[slots]),
            "reason": pa.nulls(len(slots), pa.string()),
            "source": pa.array(self._columns["source"][slots]),
            **times,
        }
        return pa.table([columns[name] for name in VERSION.names], schema=VERSION)

    def _known(self, series: Sequence[int] | None) -> Integers:
        if series is None:
            return np.arange(len(self._series))
        wanted = np.unique(np.asarray(series, np.int64))
        slots = np.searchsorted(self._series, wanted)
        inside = slots < len(self._series)
        slots, wanted = slots[inside], wanted[inside]
        known: Integers = slots[self._series[slots] == wanted]
        return known

    def _slots(self, series: Integers) -> Integers:
        """The slot of each row's series, made where there was none."""
        if np.array_equal(series, self._last[0]):
            return self._last[1]
        slots = self._find_slots(series)
        self._last = (series, slots)
        return slots

    def _find_slots(self, series: Integers) -> Integers:
        slots = np.searchsorted(self._series, series)
        known = slots < len(self._series)
        known[known] = self._series[slots[known]] == series[known]
        if known.all():
            return slots
        new = np.unique(series[~known])
        at = np.searchsorted(self._series, new)
        self._series = np.insert(self._series, at, new)
        for name, column in self._columns.items():
            empty = _BEFORE_ALL if name in {"horizon", "start"} else 0
            self._columns[name] = np.insert(column, at, empty)
        self._value = np.insert(self._value, at, np.nan)
        self._stale = np.insert(self._stale, at, False)
        return np.searchsorted(self._series, series)


class _Batch:
    """The columns of a table of schema `VERSION` as arrays; a missing value is nan."""

    def __init__(self, rows: pa.Table) -> None:
        rows = rows.combine_chunks()
        if rows.num_rows == 0:
            # Without rows a column may have no chunk at all.
            rows = VERSION.empty_table()
        self.series = _integers(rows, "series")
        self.start = _integers(rows, "start")
        self.end = _integers(rows, "end")
        self.known_since = _integers(rows, "known_since")
        self.source = _integers(rows, "source")
        self.value: npt.NDArray[np.float64] = rows["value"].chunk(0).to_numpy(zero_copy_only=False)
        self.valued: Flags = ~np.isnan(self.value)


def single_keys(series: Integers, start: Integers) -> Flags:
    """Which rows have a key that, going by a hash, no other row has: a few single ones may be taken for repeated."""
    # One sort of integers costs a tenth of a sort by two columns.
    key = (series * _ODD) ^ (start * _ODDER)
    ordered = np.sort(key)
    equal = ordered[1:] == ordered[:-1]
    if not equal.any():
        return np.ones(len(key), np.bool_)
    return ~np.isin(key, ordered[1:][equal])


def _integers(rows: pa.Table, name: str) -> Integers:
    numbers: Integers = rows[name].chunk(0).view(pa.int64()).to_numpy()
    return numbers
