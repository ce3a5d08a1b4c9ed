"""Opening, migrating and writing the registry."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from passerelle.model.errors import LayoutError, StorageFullError
from passerelle.registry.database import open_database, writing
from passerelle.registry.events import list_events, put_event
from passerelle.registry.schema import METADATA

NOW = datetime(2021, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_the_migrations_make_the_tables(engine: Engine) -> None:
    """A migrated registry has exactly the tables, columns and indexes that the code declares."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        assert compare_metadata(context, METADATA) == []


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """SQLite's own table of last numbers isn't ours to compare."""
    return not (kind == "table" and name == "sqlite_sequence")


def test_a_newer_registry_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    """One that a newer program migrated raises, and is not changed."""
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LayoutError, match="newer program"):
        open_database(tmp_path / "registry.sqlite")


def test_what_is_written_outlives_the_process(engine: Engine, tmp_path: Path) -> None:
    """A committed event is read by another connection to the microsecond."""
    with writing(engine) as connection:
        put_event(connection, "disk", NOW, {"free_bytes": 1})
    with closing(sqlite3.connect(tmp_path / "registry.sqlite")) as other:
        assert other.execute("SELECT at FROM events").fetchall() == [(1_614_600_000_123_456,)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_error_rolls_back(engine: Engine) -> None:
    """Nothing of a transaction that raised is kept."""
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        put_event(connection, "disk", NOW, {"share": 1 / 0})
    with engine.connect() as connection:
        assert list_events(connection) == []


def test_writers_wait_for_one_another(engine: Engine) -> None:
    """Eight threads that read and then write at once lose no event and meet no error."""

    def work(name: int) -> None:
        for _ in range(10):
            with writing(engine) as connection:
                list_events(connection, limit=1)
                put_event(connection, "work", NOW, {"by": name})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert len(list_events(connection, limit=1000)) == 80


def test_a_full_disk_is_said(engine: Engine) -> None:
    """When SQLite can take no more pages the error is ours, and what was there stays."""
    with writing(engine) as connection:
        put_event(connection, "disk", NOW, {})
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        # The engine's one idle connection, so that the next transaction has this limit.
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageFullError), writing(engine) as connection:
        put_event(connection, "disk", NOW, {"filler": "x" * 1_000_000})
    with engine.connect() as connection:
        assert len(list_events(connection)) == 1
