# ruff: noqa: S608 - the SQL below is put together from numbers in this file only.
"""Moving rows into the columnar files: the pending ones by `flush`, imports by `load`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import duckdb
import pyarrow as pa
import structlog

from passerelle.lake.catalogue import Catalogue, read_progress
from passerelle.lake.committer import Committer, answer
from passerelle.lake.contract import Origin, Receipt
from passerelle.lake.faults import storage_faults
from passerelle.lake.front import Front, Key
from passerelle.lake.pending import Piece, Rows, split_rows
from passerelle.lake.rows import check_rows, to_microseconds, with_origin
from passerelle.lake.settle import apply, insert, settle
from passerelle.lake.state import State
from passerelle.model.errors import IdempotencyError, StorageFullError
from passerelle.model.observation import OBSERVATION, VERSION

_log = structlog.get_logger(__name__)

PORTION = 1_000_000
"""Rows that one insert takes."""

MEETING = 2_000_000
"""Rows of a load that are compared with the lake at once: each time may read all of its keys."""


class Filing:
    """Commits to the lake, one at a time."""

    def __init__(self, catalogue: Catalogue, front: Front, state: State, committer: Committer) -> None:
        self._catalogue = catalogue
        self._front = front
        self._state = state
        self._committer = committer
        self.lock = threading.RLock()
        """Held by whoever adds to the lake or deletes from it."""
        self._filed = 0

    def flush(self) -> None:
        """File what is pending now; `StorageFullError` where the disk is full, and it all stays pending."""
        with self.lock:
            pieces = self._state.seal()
            while pieces:
                part = _first_rows(pieces)
                self._file(part)
                pieces = pieces[len(part) :]

    def _file(self, pieces: tuple[Piece, ...]) -> None:
        rows, sequence = split_rows(pieces), pieces[-1].sequence
        with self._faults():
            self._commit(rows, sequence)
        self._state.forget(sequence)
        self._committer.release(sum(piece.table.num_rows for piece in pieces))
        self._filed = sequence
        self._drop()

    def _drop(self) -> None:
        """Clear the front of what is filed; on a full disk that waits, as opening the lake does it too."""
        try:
            self._front.drop(self._filed)
        except StorageFullError as error:
            _log.warning("lake_front_not_cleared", reason=str(error))

    def _commit(self, rows: Rows, sequence: int) -> None:
        rewriting = self._catalogue.rewriting if rows.others.num_rows else nullcontext()
        with rewriting, self._catalogue.transaction() as cursor:
            turn = read_progress(cursor)[1] + 1
            self._add(cursor, rows, turn)
            cursor.execute(f"UPDATE lake.progress SET sequence = {sequence}, turn = {turn}")

    def load(self, batches: pa.RecordBatchReader, origin: Origin) -> Receipt:
        """See the contract; `flush` waits meanwhile, appends and reads do not."""
        with self.lock:
            known = self._find_key(origin.key) if origin.key else None
            if known is not None:
                told = answer(known.rows, known.digest, origin)
                if isinstance(told, IdempotencyError):
                    raise told
                return told
            self.flush()
            latest = self._state.fork_latest()
            rows = 0
            with self._faults(), self._catalogue.rewriting, self._catalogue.transaction() as cursor:
                turn = read_progress(cursor)[1]
                met = VERSION.empty_table()
                for portion in _portions(batches):
                    table = with_origin(check_rows(portion), origin)
                    split = split_rows([Piece(0, table, latest.admit(table))])
                    rows += table.num_rows
                    insert(cursor, "current", split.fresh)
                    # No later row of these keys is fresh, so that they may wait and meet the lake together.
                    met = pa.concat_tables([met, split.others])
                    if met.num_rows >= MEETING:
                        turn += 1
                        apply(cursor, settle(cursor, met, turn))
                        met = VERSION.empty_table()
                turn += 1
                apply(cursor, settle(cursor, met, turn))
                cursor.execute(f"UPDATE lake.progress SET turn = {turn}, loads = loads + 1")
                if origin.key:
                    self._remember(cursor, origin, rows)
            self._state.accept_load(latest)
            if origin.key:
                self._front.write([], [Key(origin.key, origin.digest, origin.source, rows)])
            return Receipt(rows, repeated=False)

    def _find_key(self, key: str) -> Key | None:
        """What is remembered of `key`: by the front, or by the lake alone where the front had no room to be told."""
        known = self._front.find([key]).get(key)
        if known is not None:
            return known
        with self._catalogue.cursor() as cursor:
            rows = cursor.execute("SELECT key, digest, source, rows FROM lake.loaded WHERE key = ?", [key]).fetchall()
        return Key(*rows[0]) if rows else None

    def _add(self, cursor: duckdb.DuckDBPyConnection, rows: Rows, turn: int) -> None:
        apply(cursor, settle(cursor, rows.others, turn))
        insert(cursor, "current", rows.fresh)

    def _faults(self) -> AbstractContextManager[None]:
        return storage_faults(str(self._catalogue.folder))

    def _remember(self, cursor: duckdb.DuckDBPyConnection, origin: Origin, rows: int) -> None:
        cursor.execute(
            "INSERT INTO lake.loaded VALUES (?, ?, ?, ?, make_timestamptz(?))",
            [origin.key, origin.digest, origin.source, rows, to_microseconds(origin.known_since)],
        )


def _first_rows(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The first of `pieces` that make up a portion."""
    rows = 0
    for count, piece in enumerate(pieces, 1):
        rows += piece.table.num_rows
        if rows >= PORTION:
            return pieces[:count]
    return pieces


def _portions(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """All rows of `batches`, `PORTION` at a time."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        left = batch
        while rows + left.num_rows >= PORTION:
            cut = PORTION - rows
            yield pa.Table.from_batches([*held, left.slice(0, cut)])
            held, rows, left = [], 0, left.slice(cut)
        if left.num_rows:
            held.append(left)
            rows += left.num_rows
    if rows:
        yield pa.Table.from_batches(held).select(OBSERVATION.names)
