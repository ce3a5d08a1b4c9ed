"""Plays recorded replies into the archive as if their publisher sent them now, and says that they are recorded.

A recording is gzip of JSON lines, oldest first: `received`, when the recorder held the reply (RFC 3339), and `body`,
the reply's own JSON, whose bytes are kept as they stand. What a reply says is thus known since the recording's time,
not since it was played; what a later line says otherwise of the same moment is a revision, as it was then.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import OperationalError

from passerelle.archive.archive import Archive
from passerelle.feeds.city import Replay, find_data_file
from passerelle.feeds.feed import Reply
from passerelle.model.errors import StorageFullError
from passerelle.registry.replies import find_last_reply

_log = structlog.get_logger("passerelle.ingest")


class _Line(msgspec.Struct):
    received: datetime
    body: msgspec.Raw


class Replayer:
    """One recording that is played from where it was left, until it ends or the node does."""

    def __init__(self, archive: Archive, replay: Replay) -> None:
        self.replay = replay
        self._archive = archive
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Play from now on; `InvalidValueError` where the recording isn't there."""
        path = find_data_file(self.replay.path)
        self._thread = threading.Thread(target=self._play, args=(path,), name="replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Play no more; the reply under way is finished."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def is_playing(self) -> bool:
        """Whether more replies are to come."""
        return self._thread is not None and self._thread.is_alive()

    def _play(self, path: Path) -> None:
        try:
            self._play_lines(path)
        except Exception as error:  # noqa: BLE001  a recording that can't be read ends its replay, not the node
            _log.error("a replay ended", feed=self.replay.feed, exc_info=error)
            reason, since = f"the recording {path.name} can't be played on: {error}", datetime.now(UTC).isoformat()
            self._archive.events.record("failed", {"reason": reason, "failures": 1, "since": since}, self.replay.feed)

    def _play_lines(self, path: Path) -> None:
        due = time.monotonic()
        for reply in self._list_replies(path):
            kept = False
            while not kept:
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                # What was missed, by a machine that slept or a full disk, is not made up in a burst.
                due = max(due, time.monotonic() - self.replay.every_seconds) + self.replay.every_seconds
                kept = self._keep(reply)

    def _keep(self, reply: Reply) -> bool:
        """Whether the reply is in the archive now; a full disk is waited for."""
        try:
            kept = self._archive.keep(self.replay.feed, reply, recorded=True)
            self._archive.admit(kept.reply_id)
        except (StorageFullError, OSError, OperationalError) as error:
            _log.warning("a replay waits", feed=self.replay.feed, reason=str(error))
            return False
        return True

    def _list_replies(self, path: Path) -> Iterator[Reply]:
        """The recording's replies after the last one that is kept, each named by its line."""
        with self._archive.engine.connect() as connection:
            last = find_last_reply(connection, self.replay.feed)
        played = 0 if last is None else _read_number(last.name, path)
        with gzip.open(path) as file:
            for number, text in enumerate(file, 1):
                if number > played:
                    line = msgspec.json.decode(text, type=_Line)
                    name = f"{path.name}:{number}"
                    yield Reply(bytes(line.body), line.received, "application/json", name)


def _read_number(name: str, path: Path) -> int:
    """The line that a reply of this recording is named by; 0 for a reply of anything else."""
    of, _, number = name.rpartition(":")
    return int(number) if of == path.name and number.isdigit() else 0
