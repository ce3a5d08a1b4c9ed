"""The durable front: batches wait in SQLite from the moment they are acknowledged until they are filed.

`waiting` holds the batches as Arrow, in the order of their sequence; `admitted` every idempotency
key ever seen. The file is written by one thread at a time and synced at each commit.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from passerelle.lake.faults import storage_faults
from passerelle.model.observation import VERSION

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (sequence INTEGER PRIMARY KEY, rows INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS admitted (
    key TEXT PRIMARY KEY, digest BLOB NOT NULL, source INTEGER NOT NULL, rows INTEGER NOT NULL
) WITHOUT ROWID;
"""
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")
_PLAIN = pa.ipc.IpcWriteOptions()
_PACKED_ROWS = 500
"""Rows from which on packing pays: for a few rows it takes ten times as long as all the rest of a body."""


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key with what is remembered of its batch."""

    key: str
    digest: bytes
    source: int
    rows: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One batch in the front: its place in the order, and its rows in schema `VERSION`."""

    sequence: int
    table: pa.Table


class Front:
    """The SQLite file of a folder's front."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # Blobs of some 100 kB go by the page; a larger page means fewer of them.
        for pragma in ("page_size = 16384", "journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000"):
            self._connection.execute(f"PRAGMA {pragma}")
        with storage_faults(str(path)):
            self._connection.executescript(_SCHEMA)

    def find(self, keys: Iterable[str]) -> dict[str, Key]:
        """What is remembered of each of `keys` that was admitted before."""
        found = {}
        with self._lock:
            for key in keys:
                row = self._connection.execute("SELECT * FROM admitted WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    found[key] = Key(*row)
        return found

    def write(self, batches: Iterable[tuple[int, int, bytes]], keys: Iterable[Key]) -> None:
        """Keep `(sequence, rows, body)` of each batch with their keys, in one synced commit."""
        with self._lock, storage_faults(str(self._path)), self._transaction():
            self._connection.executemany("INSERT INTO waiting VALUES (?, ?, ?)", batches)
            self._connection.executemany(
                "INSERT OR IGNORE INTO admitted VALUES (?, ?, ?, ?)",
                ((key.key, key.digest, key.source, key.rows) for key in keys),
            )

    def drop(self, sequence: int) -> None:
        """Forget the batches up to `sequence`, which the lake now holds; their keys stay."""
        with self._lock, storage_faults(str(self._path)), self._transaction():
            self._connection.execute("DELETE FROM waiting WHERE sequence <= ?", (sequence,))

    def list_waiting(self) -> Iterator[Waiting]:
        """What waits, in order."""
        with self._lock, closing(self._connection.execute("SELECT sequence, body FROM waiting ORDER BY 1")) as rows:
            for sequence, body in rows:
                yield Waiting(sequence, decode(body))

    def copy_to(self, path: Path) -> None:
        """A consistent copy of the file at `path`, made over a connection of its own so that writes go on."""
        with storage_faults(str(path)), closing(sqlite3.connect(self._path)) as source:
            source.execute("VACUUM INTO ?", (str(path),))

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)


class _Transaction:
    """BEGIN IMMEDIATE to COMMIT; a failure of either rolls back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def encode(table: pa.Table) -> bytes:
    """`table` as an Arrow stream."""
    sink = pa.BufferOutputStream()
    options = _PACKED if table.num_rows >= _PACKED_ROWS else _PLAIN
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def decode(body: bytes) -> pa.Table:
    """The table of schema `VERSION` that `encode` made `body` from."""
    return pa.ipc.open_stream(body).read_all().cast(VERSION)
