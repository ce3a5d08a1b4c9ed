"""The disk's end seen before it is reached, and how long a feed's bytes are kept."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from passerelle.archive.events import EventLog
from passerelle.archive.replies import ReplyFiles
from passerelle.feeds.feed import Feed
from passerelle.model.errors import InvalidValueError, StorageFullError
from passerelle.registry.database import writing
from passerelle.registry.replies import ReplyState, StoredReply, holds_bytes, list_kept, set_dropped

ALARM = 1 << 30
"""Free bytes below which the alarm is raised: about a week of a city that keeps 100 MB of replies a day."""

RESERVE = 256 << 20
"""Free bytes below which nothing is accepted: room for the lake to file its front and for SQLite's write-ahead logs."""

_SMALL_DISK = 20
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Disk:
    """Free bytes where the folder lies, and whether the alarm is raised."""

    free_bytes: int
    alarm: bool


class DiskGuard:
    """Watches the free bytes of a folder's disk; on a small one the alarm stands at 1/20, the reserve at 1/80."""

    def __init__(self, folder: Path, events: EventLog) -> None:
        total = shutil.disk_usage(folder).total
        self._folder, self._events = folder, events
        self._alarm_bytes = min(ALARM, total // _SMALL_DISK)
        self._reserve_bytes = min(RESERVE, total // _SMALL_DISK // 4)
        self._lock = threading.Lock()
        self._looked = 0.0
        self._disk = Disk(shutil.disk_usage(folder).free, alarm=False)

    def look(self) -> Disk:
        """The disk as it was at most a second ago; the alarm's rise and fall are events."""
        now = time.monotonic()
        with self._lock:
            if now - self._looked < _LOOK_EVERY_S:
                return self._disk
            self._looked = now
            free, before = shutil.disk_usage(self._folder).free, self._disk.alarm
            self._disk = disk = Disk(free, alarm=free < self._alarm_bytes)
        # Below the reserve nothing is written, and an event is a write.
        if disk.alarm != before and free >= self._reserve_bytes // 2:
            self._events.record("disk", {"free_bytes": free, "alarm": disk.alarm})
        return disk

    def require(self, wanted: int = 0) -> None:
        """`StorageFullError` where fewer bytes are free than `wanted` beyond the reserve."""
        free = self.look().free_bytes
        if free < self._reserve_bytes + wanted:
            raise StorageFullError(
                f"{free} bytes are free and {self._reserve_bytes} are held back for what was accepted before; "
                f"{wanted or 'no'} more can be taken",
                where=str(self._folder),
            )


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how many bytes of a feed's replies are kept; None is for ever."""

    max_bytes: int | None
    max_age: timedelta | None

    @classmethod
    def of(cls, feed: Feed) -> Retention:
        """What the feed's parameters `keep_bytes` and `keep_days` say."""
        keep_bytes, keep_days = feed.parameters.get("keep_bytes"), feed.parameters.get("keep_days")
        for name, value in (("keep_bytes", keep_bytes), ("keep_days", keep_days)):
            if value is not None and not (isinstance(value, int) and value > 0):
                raise InvalidValueError(
                    f"feed {feed.id!r}: {name} is {value!r}, not a whole number above 0", where=name
                )
        return cls(keep_bytes, None if keep_days is None else timedelta(days=keep_days))

    def choose(self, replies: list[StoredReply], now: datetime) -> list[StoredReply]:
        """Those of `replies` (oldest first) whose bytes are to go; rows still awaited keep theirs."""
        read = [reply for reply in replies if reply.state is not ReplyState.HELD]
        aged = 0 if self.max_age is None else sum(1 for reply in read if reply.kept < now - self.max_age)
        if self.max_bytes is None:
            return read[:aged]
        excess = sum(reply.stored_bytes for reply in read) - self.max_bytes
        large = 0
        while excess > 0 and large < len(read):
            excess -= read[large].stored_bytes
            large += 1
        return read[: max(aged, large)]


def drop_old_bytes(engine: Engine, files: ReplyFiles, feed: Feed, now: datetime | None = None) -> int:
    """How many replies lost their bytes to the feed's retention; their rows say when, and the lake keeps theirs."""
    retention, now = Retention.of(feed), now or datetime.now(UTC)
    if retention == Retention(None, None):
        return 0
    with writing(engine) as connection:
        chosen = retention.choose(list_kept(connection, feed=feed.id), now)
        set_dropped(connection, [reply.id for reply in chosen], now)
        unneeded = {reply.sha256 for reply in chosen if not holds_bytes(connection, reply.sha256)}
        # Inside the transaction: a reply that comes with the same bytes waits, and then writes them anew.
        for sha256 in unneeded:
            files.delete(sha256)
    return len(chosen)
