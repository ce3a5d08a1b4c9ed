"""What the API answers from: the open archive, and what is derived from it and kept for some seconds."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Generic, TypeVar

import polars as pl

from passerelle.api.tokens import TokenDoor, make_owner_secret
from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed
from passerelle.model.quantity import get_quantity
from passerelle.registry.series import list_words

Value = TypeVar("Value")

_FRESH_SECONDS = 5.0
_WORDS = {"series": pl.Int64, "feed": pl.String, "quantity": pl.String}


class Remembered(Generic[Value]):
    """A value that costs a scan, computed anew when it is older than some seconds; one thread computes, others wait."""

    def __init__(self, compute: Callable[[], Value], seconds: float = _FRESH_SECONDS) -> None:
        self._compute = compute
        self._seconds = seconds
        self._lock = threading.Lock()
        self._until = 0.0

    def read(self) -> Value:
        """The value, at most `seconds` old."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._value = self._compute()
                self._until = time.monotonic() + self._seconds
            return self._value


class Node:
    """One open city."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.version = version("passerelle")
        self.feeds: dict[str, Feed] = {feed.id: feed for feed in archive.city.feeds}
        self.public_key = base64.b64encode(archive.key.public_key().public_bytes_raw()).decode()
        self.tokens = TokenDoor(archive.engine, make_owner_secret(archive.key))
        self._rows = Remembered(self._count_rows)

    def sectors_of(self, feed_id: str) -> list[str]:
        """The sectors of the feed's quantities."""
        return sorted({get_quantity(name).sector for name in self.archive.get_feed(feed_id).quantities})

    def count_by_sector(self) -> dict[str, int]:
        """Current observations of each sector that has any, at most five seconds old."""
        return self._sum_rows("sector")

    def count_by_feed(self) -> dict[str, int]:
        """Current observations of each feed that has any, at most five seconds old."""
        return self._sum_rows("feed")

    def _sum_rows(self, column: str) -> dict[str, int]:
        return dict(self._rows.read().group_by(column).agg(pl.col("rows").sum()).iter_rows())

    def _count_rows(self) -> pl.DataFrame:
        with self.archive.engine.connect() as connection:
            words = pl.DataFrame(list_words(connection), schema=_WORDS, orient="row")
        rows = pl.DataFrame(self.archive.lake.coverage().select(["series", "rows"]))
        sectors = {name: str(get_quantity(name).sector) for name in words["quantity"].unique()}
        joined = words.with_columns(sector=pl.col("quantity").replace_strict(sectors, return_dtype=pl.String))
        return joined.join(rows, on="series")
