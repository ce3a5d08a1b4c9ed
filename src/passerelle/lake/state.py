"""What the engine keeps in memory: pending rows and latest values, changed together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from passerelle.lake.front import Waiting
from passerelle.lake.latest import Latest
from passerelle.lake.pending import Pending, Piece

_LARGE = 100_000


class State:
    """`pending` is replaced, never changed: whoever has taken it may go on reading it."""

    def __init__(self, latest: Latest, loads: int) -> None:
        self.pending = Pending(loads=loads)
        self.oldest = 0.0
        """When the first of the pending rows came, by the monotonic clock."""
        self._latest = latest
        self._sealed = 0
        self._lock = threading.Lock()

    def publish(self, batches: Iterable[Waiting]) -> None:
        """Show durable `batches` to reads."""
        with self._lock:
            if not self.pending.pieces:
                self.oldest = time.monotonic()
            pieces = list(self.pending.pieces)
            for batch in batches:
                pieces.append(Piece(batch.sequence, batch.table, self._latest.admit(batch.table)))
                self._join_small(pieces)
            self.pending = replace(self.pending, pieces=tuple(pieces))

    def _join_small(self, pieces: list[Piece]) -> None:
        """Join the last pieces while they are of like size, so that many small ones become few."""
        while (
            len(pieces) > 1
            and pieces[-2].sequence > self._sealed
            and pieces[-2].table.num_rows <= 2 * pieces[-1].table.num_rows
            and pieces[-2].table.num_rows + pieces[-1].table.num_rows <= _LARGE
        ):
            later = pieces.pop()
            pieces[-1] = pieces[-1].joined(later)

    def seal(self) -> tuple[Piece, ...]:
        """All pending pieces; later batches won't be joined to them."""
        with self._lock:
            if self.pending.pieces:
                self._sealed = self.pending.pieces[-1].sequence
            return self.pending.pieces

    def forget(self, sequence: int) -> None:
        """Drop the pieces up to `sequence`, which the lake's files now hold."""
        with self._lock:
            left = tuple(piece for piece in self.pending.pieces if piece.sequence > sequence)
            self.pending = replace(self.pending, pieces=left)
            self.oldest = time.monotonic()

    def fork_latest(self) -> Latest:
        """A copy of the latest values, to be given back by `accept_load`."""
        with self._lock:
            return self._latest.copy()

    def accept_load(self, latest: Latest) -> None:
        """Go on from `latest`, which knows a load's rows: what came meanwhile is judged anew on top of it."""
        with self._lock:
            pieces = tuple(replace(piece, fresh=latest.admit(piece.table)) for piece in self.pending.pieces)
            self._latest = latest
            self.pending = Pending(pieces, self.pending.loads + 1)

    def stale(self, series: Sequence[int] | None) -> dict[int, int]:
        """Series whose latest row must be read; see `Latest.stale`."""
        with self._lock:
            return self._latest.stale(series)

    def refresh(self, asked: dict[int, int], rows: pa.Table) -> None:
        """Keep what was read for stale series; see `Latest.refresh`."""
        with self._lock:
            self._latest.refresh(asked, rows)

    def latest(self, series: Sequence[int] | None) -> pa.Table:
        """The latest row of each series; see `Latest.table`."""
        with self._lock:
            return self._latest.table(series)
