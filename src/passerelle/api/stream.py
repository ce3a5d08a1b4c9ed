"""The events of the archive as they happen, handed to everyone who listens over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from passerelle.api.node import Node
from passerelle.api.problem import RequestError
from passerelle.archive.events import Commit
from passerelle.registry.events import Event, list_events

KINDS = {
    "observations": "rows accepted in the last second, by feed; told and not kept",
    "reply": "a reply was kept",
    "admitted": "its rows are in the lake",
    "unreadable": "it can't be read as its feed's form",
    "failed": "a publisher could not be asked or its answer not read; told first, when the reason changes, and daily",
    "recovered": "it answers again",
    "reparsed": "a feed's replies were read again",
    "finding": "a study has a finding",
    "trust": "the light of a feed, or of some of its series, is another one",
    "overflow": "messages of a broker found no room in the node's inbox; how many",
    "disk": "the alarm for free bytes rose or fell",
}
"""What an event's `kind` may be."""

MOST_LISTENERS = 200
_MOST_WAITING = 1000
_FLUSH_SECONDS = 1.0
_HEARTBEAT_SECONDS = 15.0
_PAGE = 1000


class EventOut(msgspec.Struct, frozen=True):
    """One event; `document` is what is to be said of it."""

    at: datetime
    kind: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(KINDS)})]
    feed: str | None
    document: dict[str, object]


class EventStream:
    """Listens to the archive from any thread and speaks to listeners in the server's loop.

    Commits come thousands a second; they are added up and told once a second. A listener that doesn't read is let go
    when a thousand events wait for it, so that memory stays bounded.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._rows: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._unlisten: Callable[[], None] = lambda: None
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Pump until `close`."""
        loop = asyncio.get_running_loop()

        def hear(event: Event | Commit) -> None:
            if isinstance(event, Commit):
                with self._lock:
                    self._rows[event.feed] += event.rows
            else:
                loop.call_soon_threadsafe(
                    self._tell, _write(event.kind, event.at, event.feed, dict(event.document), event.id)
                )

        self._unlisten = self._node.archive.events.listen(hear)
        try:
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), _FLUSH_SECONDS)
                self._flush()
        finally:
            self._unlisten()
            self._tell(None)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing.set()

    def _flush(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, Counter()
        for feed, count in rows.items():
            self._tell(_write("observations", datetime.now(UTC), feed, {"rows": count}, None))

    def _tell(self, message: bytes | None) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(message)
            except asyncio.QueueFull:
                self._queues.discard(queue)

    async def subscribe(self, last_id: int | None) -> AsyncIterator[bytes]:
        """Server-sent events: those kept after `last_id` where one is given, then those that happen."""
        if len(self._queues) >= MOST_LISTENERS:
            raise RequestError("busy", f"{MOST_LISTENERS} listeners are connected, which is as many as may be")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._queues.add(queue)
        return self._speak(queue, last_id)

    async def _speak(self, queue: asyncio.Queue[bytes | None], last_id: int | None) -> AsyncIterator[bytes]:
        try:
            yield b"retry: 2000\n\n"
            while last_id is not None:
                kept = await asyncio.to_thread(self._read_kept, last_id)
                for event in kept:
                    yield _write(event.kind, event.at, event.feed, dict(event.document), event.id)
                last_id = kept[-1].id if len(kept) == _PAGE else None
            while queue in self._queues:
                try:
                    message = await asyncio.wait_for(queue.get(), _HEARTBEAT_SECONDS)
                except TimeoutError:
                    message = b": still here\n\n"
                if message is None:
                    return
                yield message
        finally:
            self._queues.discard(queue)

    def _read_kept(self, last_id: int) -> list[Event]:
        with self._node.archive.engine.connect() as connection:
            return list_events(connection, after=last_id, limit=_PAGE)


def _write(kind: str, at: datetime, feed: str | None, document: dict[str, object], number: int | None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    body = msgspec.json.encode(EventOut(at, kind, feed, document))
    return head + b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"
