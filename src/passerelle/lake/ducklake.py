"""The embedded engine: DuckLake for what is filed, a SQLite front for what has just come.

Rows are durable in the front when `append` returns, are seen by reads at once, and are moved to
the columnar files in large commits by a thread of their own. Beside the contract's methods,
`submit_all` calls back, so that an event loop can have many appends under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from zoneinfo import ZoneInfo

import pyarrow as pa

from passerelle.lake.background import Background
from passerelle.lake.backup import copy_lake
from passerelle.lake.catalogue import Catalogue
from passerelle.lake.committer import Answer, Batch, Committer, Submission
from passerelle.lake.compaction import Compaction
from passerelle.lake.contract import EVERYTHING, Origin, Receipt, Selection, Size
from passerelle.lake.direct import open_direct
from passerelle.lake.files import FileLists
from passerelle.lake.filing import Filing
from passerelle.lake.footers import Footers
from passerelle.lake.front import Front, encode
from passerelle.lake.query import (
    open_source,
    select_buckets,
    select_coverage,
    select_history,
    select_last,
    select_versions,
)
from passerelle.lake.recovery import read_latest, recover_front
from passerelle.lake.rows import check_rows, with_origin
from passerelle.lake.state import State
from passerelle.model.quantity import Statistic


def open_lake(
    folder: Path,
    *,
    threads: int = 2,
    memory: str = "768MB",
    most_pending_rows: int = 8_000_000,
    flush_rows: int = 500_000,
    flush_seconds: float = 120.0,
    compact_seconds: float = 5.0,
) -> DuckLakeStore:
    """The lake in `folder`, made where there is none; rows that were acknowledged and not yet filed are there.

    `threads` and `memory` bound DuckDB's queries; `most_pending_rows` the backlog, beyond which appends are
    refused; rows are filed when `flush_rows` are pending or the oldest is `flush_seconds` old;
    small files are looked for every `compact_seconds`.
    """
    catalogue = Catalogue(folder, threads=threads, memory=memory)
    front = Front(folder / "front.sqlite")
    sequence, loads = recover_front(catalogue, front)
    state = State(read_latest(catalogue), loads)
    waiting = list(front.list_waiting())
    last = waiting[-1].sequence if waiting else sequence
    committer = Committer(front, last, state.publish, most_rows=most_pending_rows)
    state.publish(waiting)
    committer.release(-sum(batch.table.num_rows for batch in waiting))
    filing = Filing(catalogue, front, state, committer)
    compaction = Compaction(catalogue)
    background = Background(
        filing,
        compaction,
        state,
        flush_rows=flush_rows,
        flush_seconds=flush_seconds,
        compact_seconds=compact_seconds,
    )
    committer.start()
    background.start()
    return DuckLakeStore(catalogue, front, state, committer, filing, compaction, background)


class DuckLakeStore:
    """A `Lake` in a folder; made by `open_lake`."""

    def __init__(
        self,
        catalogue: Catalogue,
        front: Front,
        state: State,
        committer: Committer,
        filing: Filing,
        compaction: Compaction,
        background: Background,
    ) -> None:
        self._catalogue = catalogue
        self._lists = FileLists(catalogue)
        self._footers = Footers()
        self._front = front
        self._state = state
        self._committer = committer
        self._filing = filing
        self._compaction = compaction
        self._background = background
        self._closed = False

    def append(self, rows: pa.Table, origin: Origin) -> Receipt:
        """Durable when it returns."""
        table = with_origin(check_rows(rows), origin)
        future: Future[Answer] = Future()
        batch = Batch(origin, table.num_rows, table=table, body=encode(table))
        self.submit_all([batch], lambda answers: future.set_result(answers[0]))
        answer = future.result()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def submit_all(self, batches: Sequence[Batch], tell: Callable[[list[Answer]], None]) -> None:
        """Hand over batches that came together; see `Submission`. Single rows in them share an Arrow body."""
        self._committer.submit(Submission(batches, tell))

    def load(self, batches: pa.RecordBatchReader, origin: Origin) -> Receipt:
        """Rows straight to the columnar files, in one transaction."""
        return self._filing.load(batches, origin)

    def read(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """The selected keys' versions."""
        with open_direct(self._catalogue, self._lists, self._footers, self._state.pending, selection) as direct:
            rows = None if direct is None else direct.read(limit)
        if rows is not None:
            return rows
        with open_source(self._catalogue, self._lists, self._state.pending, selection) as source:
            return select_versions(source, limit)

    def history(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """Every version of the selected keys."""
        with open_source(self._catalogue, self._lists, self._state.pending, selection) as source:
            return select_history(source, limit)

    def aggregate(
        self, selection: Selection, bucket: str, statistic: Statistic, *, zone: ZoneInfo, by_series: bool = True
    ) -> pa.Table:
        """The selected values pooled by bucket."""
        with open_source(self._catalogue, self._lists, self._state.pending, selection) as source:
            return select_buckets(source, bucket, statistic, zone, by_series)

    def latest(self, selection: Selection = EVERYTHING) -> pa.Table:
        """From memory what is current; only series whose last value was withdrawn or revised out of order are read."""
        series = selection.series
        if selection != Selection(series):
            return self._read_last(selection)
        stale = self._state.stale(series)
        if not stale:
            return self._state.latest(series)
        self._state.refresh(stale, self._read_last(Selection(list(stale))))
        return self._state.latest(series)

    def _read_last(self, selection: Selection) -> pa.Table:
        with open_source(self._catalogue, self._lists, self._state.pending, selection) as source:
            return select_last(source)

    def coverage(self, series: Sequence[int] | None = None) -> pa.Table:
        """First and last start and number of rows of each series."""
        with open_source(self._catalogue, self._lists, self._state.pending, Selection(series)) as source:
            return select_coverage(source)

    def flush(self) -> None:
        """File what is pending now."""
        self._filing.flush()

    def compact(self) -> None:
        """Rewrite small and sparse files."""
        self._compaction.run()

    def size(self) -> Size:
        """What is held now; rows are counted in the files' catalogue."""
        pending = sum(piece.table.num_rows for piece in self._state.pending.pieces)
        with self._catalogue.cursor() as cursor:
            current, superseded = (
                cursor.execute(f"SELECT count(*) FROM lake.{table}").fetchall()[0][0]  # noqa: S608
                for table in ("current", "superseded")
            )
        sizes = []
        for path in self._catalogue.folder.rglob("*"):
            # A compaction may have removed a file since it was listed.
            with suppress(FileNotFoundError):
                status = path.stat()
                if S_ISREG(status.st_mode):
                    sizes.append(status.st_size)
        return Size(current, superseded, pending, len(sizes), sum(sizes))

    def backup(self, target: Path) -> None:
        """A copy of the folder as it is between two commits."""
        copy_lake(self._catalogue, self._front, self._filing, target)

    def close(self) -> None:
        """File what is pending, then release the folder; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self._committer.close()
        self._background.close()
        self._filing.flush()
        self._catalogue.close()
        self._front.close()
