"""Opens `registry.sqlite`: pragmas, transactions and the migrations that bring it to today's tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from passerelle.model.errors import LayoutError, StorageFullError

_BUSY_MS = 10_000
_WRITES = "passerelle_writes"


def open_database(path: Path) -> Engine:
    """The registry at `path`, created or migrated to today's tables; many threads may use it.

    Write through `writing`: a transaction that reads first and writes later may otherwise find
    that another one wrote in between (SQLITE_BUSY_SNAPSHOT), which no waiting resolves.
    """
    # The driver's own transactions begin late and end at DDL; _begin opens them instead.
    driver = {"isolation_level": None}
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args=driver, pool_size=8, max_overflow=32)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        _migrate(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start; committed at the end, rolled back on an error."""
    try:
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise StorageFullError(f"the disk takes no more bytes: {error.orig}", where="registry.sqlite") from error
        raise


def _prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # NORMAL may lose the last commits in a power cut; a reply's number, once in the lake, must never be given again.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine, path: Path) -> None:
    with as_file(files("passerelle.registry").joinpath("migrations")) as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        head = ScriptDirectory.from_config(config).get_current_head()
        try:
            with writing(engine) as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except (CommandError, ResolutionError) as error:
            raise LayoutError(
                f"{path.name} is of a newer program than this one, whose last migration is {head}: {error}",
                where=str(path),
            ) from error
