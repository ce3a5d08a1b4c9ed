"""What the lake holds of each series, remembered: to count anew is to scan the lake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from passerelle.archive.archive import Archive
from passerelle.lake.contract import EVERYTHING
from passerelle.model.quantity import Statistic

_FRESH_SECONDS = 5.0
_SHARE = 50
"""A scan is repeated after at least this many times its own duration: it takes a fiftieth of one core at most."""


class Remembered:
    """What a scan of the lake gave.

    As long as nothing comes in, what is remembered is exact; otherwise it is some seconds old, more in a large lake.
    While one asker scans, for seconds in a large lake, the others have what was remembered before.
    """

    def __init__(self, archive: Archive, scan: Callable[[], pa.Table]) -> None:
        self._scan = scan
        self._lock = threading.Lock()
        self._frame = pl.DataFrame()
        self.changed = True
        """Whether anything came in since the last scan."""
        self._until = 0.0
        archive.events.listen(self._hear)

    def _hear(self, event: object) -> None:  # noqa: ARG002
        self.changed = True

    def read_all(self) -> pl.DataFrame:
        """The scan's table."""
        if self._until and self._lock.locked():
            return self._frame
        with self._lock:
            began = time.monotonic()
            if self.changed and began >= self._until:
                self.changed = False
                self._frame = pl.DataFrame(self._scan())
                ended = time.monotonic()
                self._until = ended + max(_FRESH_SECONDS, _SHARE * (ended - began))
            return self._frame


class Coverage:
    """First and last start and number of rows of every series; one that came in since is asked for by itself."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._held = Remembered(archive, archive.lake.coverage)

    def read_all(self) -> pl.DataFrame:
        """`series`, `first`, `last`, `rows` of every series that has rows."""
        return self._held.read_all()

    def read_some(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The rows of those series that have any, by number."""
        held, wanted = self.read_all(), np.unique(np.asarray(numbers, np.int64))
        # Looked up here: filters and gathers go through a pool of threads, at ten times the cost for one series.
        series = held["series"].to_numpy()
        at = np.searchsorted(series, wanted)
        at, wanted = at[at < len(series)], wanted[at < len(series)]
        rows = (held.row(index, named=True) for index in at[series[at] == wanted].tolist())
        found = {row["series"]: row for row in rows}
        missing = [number for number in numbers if number not in found]
        if missing and self._held.changed:
            found |= {row["series"]: row for row in self._archive.lake.coverage(missing).to_pylist()}
        return found


def remember_months(archive: Archive) -> Remembered:
    """`series`, `bucket` (a month's start on the city's clocks), `count`: how much is held of each month."""
    zone = archive.city.time_zone
    return Remembered(archive, lambda: archive.lake.aggregate(EVERYTHING, "P1M", Statistic.COUNT, zone=zone))
