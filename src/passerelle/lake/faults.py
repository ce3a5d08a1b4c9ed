"""Errors of disk and engines, told in the words of `passerelle.model.errors`."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from passerelle.model.errors import StorageFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# DuckDB passes on the system's words, without its number.
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "could not write all bytes")


def is_full(error: Exception) -> bool:
    """Whether `error` means that the disk takes no more bytes."""
    match error:
        case sqlite3.OperationalError():
            return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
        case OSError():
            return error.errno in _FULL
        case duckdb.Error():
            return any(words in str(error) for words in _FULL_WORDS)
    return False


@contextmanager
def storage_faults(where: str) -> Iterator[None]:
    """Raises `StorageFullError` where the block failed because the disk is full; other errors pass."""
    try:
        yield
    except (sqlite3.OperationalError, OSError, duckdb.Error) as error:
        if not is_full(error):
            raise
        raise StorageFullError(f"the disk took no more bytes: {error}", where=where) from error
