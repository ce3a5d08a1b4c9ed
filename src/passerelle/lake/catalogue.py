"""The DuckLake catalogue of a folder: its connection, tables, options and layout version."""

from __future__ import annotations

import importlib.resources
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from passerelle.lake.faults import storage_faults
from passerelle.model.errors import FolderBusyError, LayoutError, StorageFullError

LAYOUT = 1
"""The version this program writes; `docs/formats/lake.md` draws it."""

METADATA = "__ducklake_metadata_lake"
"""The DuckDB database in which DuckLake keeps its catalogue, as the connection names it."""

TABLES = ("current", "superseded")
"""The tables of observations: the last version of each key, and those before it."""

UPGRADES: dict[int, Callable[[Path], None]] = {}
"""Layout version → what turns a folder of it into the next version; each must bear being run twice."""

_COLUMNS = (
    'series BIGINT, start TIMESTAMPTZ, "end" TIMESTAMPTZ, value DOUBLE, reason VARCHAR, '
    "known_since TIMESTAMPTZ, source BIGINT"
)

# Each may be run again, for a process that stopped while it made the folder. Only the small tables of
# bookkeeping are kept inside the catalogue; observations always go to files.
_TABLES = f"""
BEGIN;
CREATE TABLE IF NOT EXISTS lake.current ({_COLUMNS});
ALTER TABLE lake.current SET SORTED BY (series ASC, start ASC);
CREATE TABLE IF NOT EXISTS lake.superseded ({_COLUMNS}, superseded_at TIMESTAMPTZ, turn BIGINT);
ALTER TABLE lake.superseded SET SORTED BY (series ASC, start ASC);
CREATE TABLE IF NOT EXISTS lake.loaded
    (key VARCHAR, digest BLOB, source BIGINT, rows BIGINT, known_since TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS lake.progress (sequence BIGINT, turn BIGINT, loads BIGINT);
COMMIT;
CALL lake.set_option('parquet_compression', 'zstd');
CALL lake.set_option('parquet_version', '2');
CALL lake.set_option('data_inlining_row_limit', '0', table_name => 'current');
CALL lake.set_option('data_inlining_row_limit', '0', table_name => 'superseded');
CALL lake.set_option('data_inlining_row_limit', '1000', table_name => 'loaded');
CALL lake.set_option('data_inlining_row_limit', '1000', table_name => 'progress');
INSERT INTO lake.progress SELECT 0, 0, 0 WHERE NOT EXISTS (FROM lake.progress);
"""

GROUP_ROWS = 32_768
"""Rows of a row group. A few rows of one series are read from each of hundreds of files, and all of their row group
is unpacked for them."""


class Catalogue:
    """The DuckDB instance that holds a folder's lake attached as `lake`."""

    def __init__(self, folder: Path, *, threads: int, memory: str) -> None:
        self.folder = folder
        check_layout(folder)
        folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": memory,
            "temp_directory": str(folder / "temp"),
            "autoinstall_known_extensions": False,
        }
        self._root = duckdb.connect(config=settings)
        # Without a main file (a notebook, `python -c`) it goes to standard output wherever something takes two seconds.
        self._root.execute("SET enable_progress_bar = false")
        self._root.execute(f"LOAD '{_extension()}'")
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        # Files never change, and the footer of a large one takes as long to parse as a series to read.
        self._root.execute("SET GLOBAL parquet_metadata_cache = true")
        # Meant for files behind a network; here too a read of a few rows from each of hundreds takes a quarter less.
        self._root.execute("SET GLOBAL prefetch_all_parquet_files = true")
        # It reads a table twice where a LIMIT follows an ORDER BY, which costs a series' first page twice its time.
        self._root.execute("SET GLOBAL disabled_optimizers = 'late_materialization'")
        self._reading: dict[int, datetime] = {}
        self._counting = threading.Lock()
        self._begun = self._ended = 0
        self._synced = {path.name for path in (folder / "data").rglob("*.parquet")}
        self.rewriting = threading.Lock()
        """Held while files are merged or removed, and by transactions that delete rows. DuckLake sees that the two
        conflict by the merge's snapshot; once that has expired, the deletion is lost without a word."""
        self._attach()

    def _attach(self) -> None:
        # The data path is given anew, since a folder may have been moved or restored elsewhere.
        try:
            self._root.execute(
                f"ATTACH 'ducklake:{quoted(self.folder / 'catalogue.ducklake')}' AS lake "
                f"(DATA_PATH '{quoted(self.folder / 'data')}', OVERRIDE_DATA_PATH true)"
            )
        except (duckdb.IOException, duckdb.BinderException) as error:
            # "Conflicting lock is held" by another process, "file handle conflict" within this one.
            self._root.close()
            if "conflict" not in str(error).lower():
                raise
            raise FolderBusyError(
                f"{self.folder} is open already, here or in another process", where=str(self.folder)
            ) from error
        if not (self.folder / "layout.json").exists():
            self._root.execute(_TABLES)
            write_layout(self.folder)
        # Another program's folder may have other ones, and so may one whose process stopped while it merged files.
        # Where the disk is full they stay: files of any are read.
        with suppress(StorageFullError):
            for table in TABLES:
                self.set_group_rows(table, GROUP_ROWS)

    def set_group_rows(self, table: str, rows: int) -> None:
        """From now on files of `table` are written in row groups of `rows`."""
        sql = "SELECT value FROM lake.options() WHERE option_name = 'parquet_row_group_size' AND scope_entry = ?"
        with storage_faults(str(self.folder)), self.cursor() as cursor:
            if cursor.execute(sql, [f"main.{table}"]).fetchall() != [(str(rows),)]:
                cursor.execute(f"CALL lake.set_option('parquet_row_group_size', '{rows}', table_name => '{table}')")

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own for one caller."""
        cursor = self._root.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """No file that somebody may need who began to read within it is deleted before it ends."""
        mark = object()
        self._reading[id(mark)] = datetime.now(UTC)
        try:
            yield
        finally:
            del self._reading[id(mark)]

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one read; see `reading`."""
        with self.reading(), self.cursor() as cursor:
            yield cursor

    def oldest_read(self) -> datetime | None:
        """When the oldest read under way began."""
        return min(self._reading.copy().values(), default=None)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements see one snapshot and are committed together, or not at all."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            self._sync_files()
            with self._counting:
                self._begun += 1
            try:
                cursor.execute("COMMIT")
            finally:
                with self._counting:
                    self._ended += 1

    def commits(self) -> int | None:
        """How many commits there were since the folder was opened, or None while one is under way."""
        with self._counting:
            return self._ended if self._begun == self._ended else None

    def _sync_files(self) -> None:
        """Bring new Parquet files to the disk: the engine syncs its catalogue, and not the files it names."""
        data = self.folder / "data"
        new = [path for path in data.rglob("*.parquet") if path.name not in self._synced]
        for path in {*new, *(path.parent for path in new)}:
            # A file may be a rolled back transaction's, and gone by now.
            with suppress(FileNotFoundError):
                sync_path(path)
        self._synced.update(path.name for path in new)

    def close(self) -> None:
        """Detach the lake and release its files."""
        self._root.execute("DETACH lake")
        self._root.close()


def read_progress(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """The highest sequence filed from the front, the last turn, and the number of loads."""
    sequence, turn, loads = cursor.execute("SELECT sequence, turn, loads FROM lake.progress").fetchall()[0]
    return sequence, turn, loads


def check_layout(folder: Path) -> None:
    """Bring an older `folder` up to `LAYOUT`; `LayoutError`, and nothing touched, where its version is unknown."""
    path = folder / "layout.json"
    if not path.exists():
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["layout"]
    except (ValueError, KeyError, TypeError) as error:
        raise LayoutError(f"{path} names no layout version: {error}", where=str(path)) from error
    if found not in {LAYOUT, *UPGRADES}:
        raise LayoutError(f"{folder} has lake layout {found!r}; this program reads {LAYOUT}", where=str(path))
    while found < LAYOUT:
        UPGRADES[found](folder)
        found += 1
        write_layout(folder, found)


def write_layout(folder: Path, version: int = LAYOUT) -> None:
    """Name `version` in the folder's `layout.json`, in one step."""
    partial = folder / "layout.json.partial"
    partial.write_text(json.dumps({"layout": version}) + "\n", encoding="utf-8")
    sync_path(partial)
    partial.replace(folder / "layout.json")
    sync_path(folder)


def sync_path(path: Path) -> None:
    """Return once the file's bytes, or the folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _extension() -> Path:
    # Loaded from where pip put it: INSTALL would copy it into the user's home.
    package = importlib.resources.files("duckdb_extension_ducklake")
    return Path(str(package)) / "extensions" / f"v{duckdb.__version__}" / "ducklake.duckdb_extension"


def quoted(path: Path) -> str:
    """`path` as it stands between the quotes of a SQL string."""
    return str(path).replace("'", "''")
