"""Keeps lights up to date while a node runs: what a reply touched, what did not come, and each feed whole once a day.

One thread, which takes at most half of one core, and a thirtieth while posts keep coming. What waits is bounded by the
number of feeds: of each it is known which replies came, and beyond a number of them only that the whole feed is to be
judged.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow.compute as pc
import structlog
from sqlalchemy.exc import OperationalError

from passerelle.archive.archive import Archive
from passerelle.archive.events import Commit
from passerelle.archive.tables import FORM as TABLE
from passerelle.feeds.feed import Feed
from passerelle.lake.contract import Selection
from passerelle.model.errors import PasserelleError, StorageFullError
from passerelle.registry.events import Event
from passerelle.registry.replies import get_reply
from passerelle.registry.series import list_numbers
from passerelle.trust.deliveries import read_rows
from passerelle.trust.keeping import WHOLE_EVERY, Keeper, Touched

MOST_WAITING = 20
"""Replies of one feed that may wait; of more the whole feed is judged at once."""

_SETTLE_SECONDS = 0.5
"""Posts come thousands a second; what comes in half a second is judged together."""

_REST_AFTER_POSTS = 29
"""Rests as long as the work: a sender of thousands a second would have its series judged all the time."""

_SHORTEST_WAIT, _LONGEST_WAIT = 60.0, 3600.0
_LOOK_SECONDS = 15.0

_DEFECTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, PasserelleError)

_log = structlog.get_logger("passerelle.trust")


@dataclass(slots=True)
class _Waiting:
    """What came of a feed and isn't judged yet."""

    replies: set[int] = field(default_factory=set)
    posted: datetime | None = None
    whole: bool = False


class Watch:
    """Judges in a thread of its own from `start` to `close`; in a stopped folder `catch_up_if_stopped` does."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._closing = threading.Event()
        self.keeper = Keeper(archive, self._rest)
        self._waiting: dict[str, _Waiting] = {}
        self._looked: dict[str, float] = {}
        self._whole_at: dict[str, float] = {}
        self.failed: dict[str, str] = {}
        """Feeds that could not be judged the last time, and why: their lights stand as they were."""
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._unlisten: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Listen, and judge what is due and what comes."""
        self._unlisten = self._archive.events.listen(self._hear)
        self._thread = threading.Thread(target=self._run, name="trust", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the judgement under way."""
        self._unlisten()
        self._closing.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def _rest(self, seconds: float) -> None:
        if threading.current_thread() is self._thread:
            self._closing.wait(min(seconds, _LONGEST_WAIT))

    def catch_up_if_stopped(self, feeds: Sequence[str]) -> None:
        """Judge what is due of `feeds` where no thread does it: in a stopped folder that was opened."""
        if self._thread is None:
            self.keeper.judge_due(feeds)

    def _hear(self, event: Event | Commit) -> None:
        if event.feed is None:
            return
        with self._lock:
            waiting = self._waiting.setdefault(event.feed, _Waiting())
            if isinstance(event, Commit):
                waiting.posted = min(waiting.posted or event.at, event.at)
            elif event.kind in ("admitted", "unreadable"):
                waiting.replies.add(int(event.document["reply"]))
            elif event.kind == "reparsed":
                waiting.whole = True
            else:
                return
        self._woken.set()

    def _run(self) -> None:
        due = dict.fromkeys(self.keeper.list_due(), 0.0)
        self._whole_at = {feed.id: due.get(feed.id, self._next_whole(feed)) for feed in self._archive.city.feeds}
        while not self._closing.is_set():
            began = time.monotonic()
            with self._lock:
                came, self._waiting = self._waiting, {}
            try:
                self._work(came)
            except (StorageFullError, OSError, OperationalError) as error:
                # Lights grow old on a full disk, and answers say since when they stand.
                _log.warning("lights are not brought up to date", reason=str(error))
            rests = _REST_AFTER_POSTS if any(waiting.posted for waiting in came.values()) else 1
            self._closing.wait(min(rests * (time.monotonic() - began), _LONGEST_WAIT))
            if self._woken.wait(_LOOK_SECONDS):
                self._woken.clear()
                self._closing.wait(_SETTLE_SECONDS)

    def _work(self, came: Mapping[str, _Waiting]) -> None:
        for feed in self._archive.city.feeds:
            if self._closing.is_set():
                return
            try:
                self._look(feed, came.get(feed.id, _Waiting()))
                self.failed.pop(feed.id, None)
            except StorageFullError:
                raise
            except _DEFECTS as error:
                # A check that fails on what one feed brought is a defect of the check; the others go on.
                self.failed[feed.id] = f"{type(error).__name__}: {error}"
                self._whole_at[feed.id] = time.monotonic() + _LONGEST_WAIT
                _log.error("a feed can't be judged", feed=feed.id, exc_info=error)

    def _look(self, feed: Feed, waiting: _Waiting) -> None:
        if waiting.whole or len(waiting.replies) > MOST_WAITING or self._whole_at[feed.id] <= time.monotonic():
            self._judge_whole(feed)
        elif waiting != _Waiting():
            self._judge_what_came(feed, waiting)
        elif self._is_quiet(feed):
            self._looked[feed.id] = time.monotonic()
            self.keeper.judge_waiting(feed.id)

    def _judge_whole(self, feed: Feed) -> None:
        self._looked[feed.id] = time.monotonic()
        self.keeper.judge_whole(feed.id)
        self._whole_at[feed.id] = self._next_whole(feed)

    def _next_whole(self, feed: Feed) -> float:
        return math.inf if feed.cadence_seconds is None else time.monotonic() + WHOLE_EVERY.total_seconds()

    def _is_quiet(self, feed: Feed) -> bool:
        """Whether so long has passed since the feed was last looked at that its values may have grown old."""
        if feed.cadence_seconds is None:
            return False
        wait = min(max(feed.cadence_seconds, _SHORTEST_WAIT), _LONGEST_WAIT)
        return time.monotonic() - self._looked.get(feed.id, -math.inf) >= wait

    def _judge_what_came(self, feed: Feed, waiting: _Waiting) -> None:
        series: set[int] = set()
        sources: set[int] = set()
        starts: list[datetime] = []
        for number in sorted(waiting.replies):
            with self._archive.engine.connect() as connection:
                stored = get_reply(connection, number)
            if stored.form == TABLE:
                self._judge_whole(feed)
                return
            rows = read_rows(self._archive, feed, stored)
            if rows is not None and rows.num_rows:
                series.update(rows["series"].unique().to_pylist())
                sources.add(number)
                starts.append(pc.min(rows["start"]).as_py())
        if waiting.posted is not None:
            with self._archive.engine.connect() as connection:
                numbers = list_numbers(connection, feed=feed.id)
            latest = self._archive.lake.latest(Selection(numbers))
            posted = latest.filter(pc.greater_equal(latest["known_since"], waiting.posted))
            series.update(posted["series"].to_pylist())
            sources.update(posted["source"].to_pylist())
            starts += [pc.min(posted["start"]).as_py()] if posted.num_rows else []
        if series:
            self.keeper.judge_touched(feed.id, Touched(tuple(series), frozenset(sources)), min(starts))
        self.keeper.note(feed.id, max(waiting.replies, default=0))
