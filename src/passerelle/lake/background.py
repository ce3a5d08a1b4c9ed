"""The thread that files pending rows and compacts files as they add up."""

from __future__ import annotations

import threading
import time

import duckdb
import structlog

from passerelle.lake.filing import Filing
from passerelle.lake.state import State
from passerelle.model.errors import StorageFullError

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.2
_RETRY_SECONDS = 2.0


class Background:
    """Looks every fifth of a second whether enough is pending, or has been for long enough."""

    def __init__(self, filing: Filing, state: State, *, flush_rows: int, flush_seconds: float) -> None:
        self._filing = filing
        self._state = state
        self._flush_rows = flush_rows
        self._flush_seconds = flush_seconds
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._run, name="lake flusher", daemon=True)]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the work under way."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            if not self._due():
                continue
            try:
                self._filing.flush()
            except (StorageFullError, duckdb.TransactionException) as error:
                # The rows stay in the front; appends are refused once the backlog is full.
                _log.warning("lake_flush_failed", reason=str(error))
                self._closing.wait(_RETRY_SECONDS)

    def _due(self) -> bool:
        rows = sum(piece.table.num_rows for piece in self._state.pending.pieces)
        return rows >= self._flush_rows or (rows > 0 and time.monotonic() - self._state.oldest >= self._flush_seconds)
