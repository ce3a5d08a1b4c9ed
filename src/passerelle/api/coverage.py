"""What the lake holds of each series, remembered: to count anew is to scan the lake."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import polars as pl

from passerelle.archive.archive import Archive

_FRESH_SECONDS = 5.0
_SHARE = 50
"""A scan is repeated after at least this many times its own duration: it takes a fiftieth of one core at most."""


class Coverage:
    """First and last start and number of rows of every series.

    As long as nothing comes in, what is remembered is exact; otherwise it is some seconds old, more in a large lake. A
    series that came in since is asked for by itself.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._frame = pl.DataFrame()
        self._changed = True
        self._until = 0.0
        archive.events.listen(self._hear)

    def _hear(self, event: object) -> None:  # noqa: ARG002
        self._changed = True

    def read_all(self) -> pl.DataFrame:
        """`series`, `first`, `last`, `rows` of every series that has rows."""
        with self._lock:
            began = time.monotonic()
            if self._changed and began >= self._until:
                self._changed = False
                self._frame = pl.DataFrame(pl.from_arrow(self._archive.lake.coverage()))
                ended = time.monotonic()
                self._until = ended + max(_FRESH_SECONDS, _SHARE * (ended - began))
            return self._frame

    def read_some(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The rows of those series that have any, by number."""
        known = self.read_all().filter(pl.col("series").is_in(numbers))
        found = {row["series"]: row for row in known.iter_rows(named=True)}
        missing = [number for number in numbers if number not in found]
        if missing and self._changed:
            found |= {row["series"]: row for row in self._archive.lake.coverage(missing).to_pylist()}
        return found
