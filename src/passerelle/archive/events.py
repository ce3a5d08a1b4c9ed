"""What happens in the archive: kept in the registry's log and told to whoever listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from passerelle.registry.database import writing
from passerelle.registry.events import Event, put_event


@dataclass(frozen=True, slots=True)
class Commit:
    """Observations that were accepted at a time; told to listeners, too many to be kept."""

    at: datetime
    feed: str
    rows: int


Listener = Callable[[Event | Commit], None]
"""Called in the thread of what happened: it may hand over, not work."""


class EventLog:
    """Records events and calls listeners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """A function that ends the listening."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return stop

    def record(self, kind: str, document: Mapping[str, Any], feed: str | None = None) -> Event:
        """The event, kept and told."""
        with writing(self._engine) as connection:
            event = self.put(connection, kind, document, feed)
        self.tell(event)
        return event

    def put(self, connection: Connection, kind: str, document: Mapping[str, Any], feed: str | None = None) -> Event:
        """The event, part of the caller's transaction; to be told once that is committed."""
        return put_event(connection, kind, datetime.now(UTC), document, feed)

    def tell(self, *events: Event | Commit) -> None:
        """Call every listener with each event."""
        for listener in self._listeners:
            for event in events:
                listener(event)
