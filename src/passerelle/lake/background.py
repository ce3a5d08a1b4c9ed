"""The threads that file pending rows and compact files as they add up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import duckdb
import structlog

from passerelle.lake.compaction import Compaction
from passerelle.lake.filing import Filing
from passerelle.lake.state import State
from passerelle.model.errors import StorageFullError

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.2
_RETRY_SECONDS = 2.0


class Background:
    """Two threads, so that rows go on being filed while files are rewritten."""

    def __init__(
        self,
        filing: Filing,
        compaction: Compaction,
        state: State,
        *,
        flush_rows: int,
        flush_seconds: float,
        compact_seconds: float,
    ) -> None:
        self._filing = filing
        self._compaction = compaction
        self._state = state
        self._flush_rows = flush_rows
        self._flush_seconds = flush_seconds
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=arguments, name=f"lake {arguments[0]}", daemon=True)
            for arguments in (
                ("flush", _LOOK_SECONDS, self._flush_due),
                ("compaction", compact_seconds, self._compact),
            )
        ]

    def start(self) -> None:
        """Begin to look for work."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the work under way."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, name: str, seconds: float, work: Callable[[], None]) -> None:
        while not self._closing.wait(seconds):
            try:
                work()
            except (StorageFullError, duckdb.TransactionException) as error:
                # Pending rows stay in the front, and files as they are; appends are refused once the backlog is full.
                _log.warning("lake_work_failed", work=name, reason=str(error))
                self._closing.wait(_RETRY_SECONDS)

    def _flush_due(self) -> None:
        rows = sum(piece.table.num_rows for piece in self._state.pending.pieces)
        old = rows > 0 and time.monotonic() - self._state.oldest >= self._flush_seconds
        if old or rows >= self._flush_rows:
            self._filing.flush()

    def _compact(self) -> None:
        self._compaction.run_due()
