"""Whether the disk is full, in whatever words an engine says it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from passerelle.model.errors import StorageFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# DuckDB passes on the system's words, without its number.
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "could not write all bytes")


@contextmanager
def storage_faults(where: str, *engines: type[Exception]) -> Iterator[None]:
    """Raises `StorageFullError` where the block failed because the disk is full; other errors pass.

    `engines` are the errors of those that wrap the system's and SQLite's in their own.
    """
    told: tuple[type[Exception], ...] = (sqlite3.OperationalError, OSError, *engines)
    try:
        yield
    except told as error:
        if not _is_full(error):
            raise
        raise StorageFullError(f"the disk took no more bytes: {error}", where=where) from error


def _is_full(error: BaseException | None) -> bool:
    match error:
        case None:
            return False
        case sqlite3.OperationalError():
            return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
        case OSError():
            return error.errno in _FULL
    return any(words in str(error) for words in _FULL_WORDS) or _is_full(error.__cause__)
