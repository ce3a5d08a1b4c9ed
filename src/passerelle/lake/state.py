"""What the engine keeps in memory: pending rows and latest values, changed together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from passerelle.lake.front import Waiting
from passerelle.lake.latest import Latest
from passerelle.lake.pending import Pending, Piece

_LARGE = 100_000
_SMALL = 1_000


class State:
    """What is pending and the latest values.

    Batches that come are put aside and taken in together when somebody looks, or when many have come: each taking in
    costs as much for one row as for a hundred, and single posts come by the thousand a second.
    """

    def __init__(self, latest: Latest, loads: int) -> None:
        self.oldest = 0.0
        """When the first of the pending rows came, by the monotonic clock."""
        self._arrived: list[Waiting] = []
        self._arrived_rows = 0
        self._pending = Pending(loads=loads)
        self._latest = latest
        self._sealed = 0
        self._lock = threading.Lock()

    @property
    def pending(self) -> Pending:
        """What is pending now; it is replaced, never changed, so that whoever has taken it may go on reading it."""
        with self._lock:
            self._take_in()
            return self._pending

    def publish(self, batches: Iterable[Waiting]) -> None:
        """Show durable `batches` to reads."""
        with self._lock:
            if not self._pending.pieces and not self._arrived:
                self.oldest = time.monotonic()
            for batch in batches:
                self._arrived.append(batch)
                self._arrived_rows += batch.table.num_rows
            if self._arrived_rows >= _LARGE:
                self._take_in()

    def _take_in(self) -> None:
        """Make pieces of what has arrived, in its order, and bring the latest values up to date with it."""
        if not self._arrived:
            return
        pieces = list(self._pending.pieces)
        for group in _group_small(self._arrived):
            table = group[0].table
            if len(group) > 1:
                table = pa.concat_tables([batch.table for batch in group]).combine_chunks()
            pieces.append(Piece(group[-1].sequence, table, self._latest.admit(table)))
            self._join_small(pieces)
        self._pending = replace(self._pending, pieces=tuple(pieces))
        self._arrived, self._arrived_rows = [], 0

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
            self._take_in()
            if self._pending.pieces:
                self._sealed = self._pending.pieces[-1].sequence
            return self._pending.pieces

    def forget(self, sequence: int) -> None:
        """Drop the pieces up to `sequence`, which the lake's files now hold."""
        with self._lock:
            left = tuple(piece for piece in self._pending.pieces if piece.sequence > sequence)
            self._pending = replace(self._pending, pieces=left)
            self.oldest = time.monotonic()

    def fork_latest(self) -> Latest:
        """A copy of the latest values, to be given back by `accept_load`."""
        with self._lock:
            self._take_in()
            return self._latest.copy()

    def accept_load(self, latest: Latest) -> None:
        """Go on from `latest`, which knows a load's rows: what came meanwhile is judged anew on top of it."""
        with self._lock:
            self._take_in()
            pieces = tuple(replace(piece, fresh=latest.admit(piece.table)) for piece in self._pending.pieces)
            self._latest = latest
            self._pending = Pending(pieces, self._pending.loads + 1)

    def stale(self, series: Sequence[int] | None) -> dict[int, int]:
        """Series whose latest row must be read; see `Latest.stale`."""
        with self._lock:
            self._take_in()
            return self._latest.stale(series)

    def refresh(self, asked: dict[int, int], rows: pa.Table) -> None:
        """Keep what was read for stale series; see `Latest.refresh`."""
        with self._lock:
            self._take_in()
            self._latest.refresh(asked, rows)

    def latest(self, series: Sequence[int] | None) -> pa.Table:
        """The latest row of each series; see `Latest.table`."""
        with self._lock:
            self._take_in()
            return self._latest.table(series)


def _group_small(batches: list[Waiting]) -> Iterator[list[Waiting]]:
    """`batches` in their order, consecutive small ones together; a large one gains nothing by company."""
    group: list[Waiting] = []
    for batch in batches:
        if batch.table.num_rows < _SMALL:
            group.append(batch)
            continue
        if group:
            yield group
            group = []
        yield [batch]
    if group:
        yield group
