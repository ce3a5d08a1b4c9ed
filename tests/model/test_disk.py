"""A full disk is told as such by whoever meets it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from passerelle.model.disk import storage_faults
from passerelle.model.errors import StorageFullError

FULL = Path("/dev/full")
"""Linux's device on which every write finds the disk full (full(4))."""

TOO_MUCH = "INSERT INTO t SELECT randomblob(100000)"


def write_file(_: Path) -> None:
    with FULL.open("wb", buffering=0) as file:
        file.write(b"x")


def write_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA max_page_count = 4")
        connection.execute("CREATE TABLE t (x)")
        connection.execute(TOO_MUCH)


def write_sqlalchemy(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            connection.execute(text("PRAGMA max_page_count = 4"))
            connection.execute(text("CREATE TABLE t (x)"))
            connection.execute(text(TOO_MUCH))
    finally:
        engine.dispose()


def write_duckdb(_: Path) -> None:
    duckdb.sql("SELECT range FROM range(1000000)").write_csv(str(FULL))


@pytest.mark.parametrize("write", [write_file, write_sqlite, write_sqlalchemy, write_duckdb])
def test_a_full_disk_is_told(write: Callable[[Path], None], tmp_path: Path) -> None:
    """By the system, SQLite (a file that may not grow), SQLAlchemy around it, and DuckDB."""
    told = storage_faults("here", OperationalError, duckdb.Error)
    with pytest.raises(StorageFullError, match="the disk took no more bytes"), told:
        write(tmp_path / "file")


def test_other_faults_pass(tmp_path: Path) -> None:
    """A file that isn't there and a table that isn't are no full disk."""
    with pytest.raises(FileNotFoundError), storage_faults("here"):
        (tmp_path / "absent").read_bytes()
    absent = pytest.raises(sqlite3.OperationalError, match="no such table")
    with absent, storage_faults("here"), closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT * FROM absent")
    with pytest.raises(duckdb.Error, match="absent"), storage_faults("here", duckdb.Error):
        duckdb.sql("SELECT * FROM absent")
