"""What is remembered of Parquet files: their footers, and which of their rows were deleted.

From a footer it is known which row groups may hold a row, without opening the file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from passerelle.model.observation import VERSION

Integers = npt.NDArray[np.int64]

_MOST_BYTES = 64 << 20
_PARSED = 20
"""Bytes of memory that a byte of footer takes: 9 to 20 measured, of 595,345 bytes in 814 row groups."""

_SERIES, _START, _REASON = (VERSION.get_field_index(name) for name in ("series", "start", "reason"))


@dataclass(frozen=True, slots=True)
class Footer:
    """A parsed footer: the rows of each row group, and between which series and starts (microseconds) they lie."""

    metadata: pq.FileMetaData
    rows: Integers
    series: tuple[Integers, Integers]
    start: tuple[Integers, Integers]
    reasons: npt.NDArray[np.bool_]
    """Whether any row of the row group has a reason."""

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes in memory."""
        return int(self.metadata.serialized_size) * _PARSED

    def list_groups(self, numbers: Sequence[int], first: int | None, last: int | None) -> list[int]:
        """The row groups that may hold a row of series `numbers`, with a start from `first` to before `last`."""
        ordered = np.unique(np.asarray(numbers, np.int64))
        # A group may hold some of the numbers if fewer of them lie before its least series than up to its greatest.
        before, up_to = (np.searchsorted(ordered, self.series[0]), np.searchsorted(ordered, self.series[1], "right"))
        may_hold = before < up_to
        if first is not None:
            may_hold &= self.start[1] >= first
        if last is not None:
            may_hold &= self.start[0] < last
        return [int(group) for group in np.flatnonzero(may_hold)]

    def locate(self, positions: Integers, groups: Sequence[int]) -> Integers:
        """Where the rows at `positions` in the file, ascending, come among those of `groups`; others are left out."""
        ends, came, located = np.cumsum(self.rows), 0, []
        for group in groups:
            begin, end = ends[group] - self.rows[group], ends[group]
            first, last = np.searchsorted(positions, (begin, end))
            located.append(positions[first:last] - begin + came)
            came += self.rows[group]
        return np.concatenate(located)


class Sized(Protocol):
    """What can be kept in bounded memory."""

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes."""


Fact = TypeVar("Fact", bound=Sized)


class Remembered(Generic[Fact]):
    """What `read` gave of the files last asked for, as much as fits into `most_bytes` of memory.

    Files don't change while a lake is open; one that did all the same would be read anew, and one that is gone
    isn't answered for.
    """

    def __init__(self, read: Callable[[Path], Fact], most_bytes: int) -> None:
        self._read = read
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Path, tuple[tuple[int, int, int], Fact]] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0
        """About how many bytes are kept."""

    def get(self, path: Path) -> Fact:
        """What the file at `path` says; `FileNotFoundError` where none is."""
        status = path.stat()
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        with self._lock:
            if path in self._kept and self._kept[path][0] == identity:
                self._kept.move_to_end(path)
                return self._kept[path][1]
        fact = self._read(path)
        with self._lock:
            if path in self._kept:
                self.nbytes -= self._kept.pop(path)[1].nbytes
            self._kept[path] = identity, fact
            self.nbytes += fact.nbytes
            while self.nbytes > self._most_bytes:
                self.nbytes -= self._kept.popitem(last=False)[1][1].nbytes
        return fact


class Footers:
    """The footers of data files and the positions in deletion files that were last asked for."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self.data = Remembered(read_footer, most_bytes)
        self.deleted = Remembered(read_positions, most_bytes)


def read_footer(path: Path) -> Footer:
    """The footer of a file of `VERSION`'s columns, or more."""
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    bounds = []
    for column in (_SERIES, _START):
        statistics = [group.column(column).statistics for group in groups]
        # Raw: a start would come as a datetime, which takes ten times as long.
        least, most = ([one.min_raw for one in statistics], [one.max_raw for one in statistics])
        bounds.append((np.array(least, np.int64), np.array(most, np.int64)))
    rows = np.array([group.num_rows for group in groups], np.int64)
    nulls = np.array([group.column(_REASON).statistics.null_count for group in groups], np.int64)
    return Footer(metadata, rows, bounds[0], bounds[1], nulls < rows)


def read_positions(path: Path) -> Integers:
    """The positions that a deletion file of DuckLake names, all of one data file, ascending."""
    positions: Integers = np.sort(pq.read_table(path, columns=["pos"])["pos"].to_numpy())
    return positions
