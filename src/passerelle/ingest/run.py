"""Asks every feed that has an address, at its cadence, for as long as the node runs."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from random import Random

import structlog
from polars.exceptions import PanicException

from passerelle.ingest.ask import Asker, find_host
from passerelle.ingest.schedule import Schedule
from passerelle.model.errors import BudgetSpentError, PasserelleError, StatusError
from passerelle.registry.asks import list_asks
from passerelle.registry.replies import ReplyState

WELL_THREADS = 24
"""Threads for feeds that answered last time."""

FAILING_THREADS = 8
"""Threads for feeds that failed last time: what hangs again and again takes no thread from the others."""

AT_ONCE = 4
"""Feeds of one host that are asked at once."""

_LONGEST_WAIT_S = 60.0
_PATIENCE_S = 8.0

_Way = tuple[bool, str]

_log = structlog.get_logger("passerelle.ingest")


def read_clock() -> float:
    """Seconds that only go forward, through a sleep of the machine too where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Ingest:
    """A node's plan and the threads that carry it out; nothing is asked by itself before `start`.

    `cadences` are the seconds at which each feed with an address is asked: its own, or longer where the feeds of its
    publisher would otherwise spend more than its budget.
    """

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        declared = {
            feed.id: (find_host(feed.url), float(feed.cadence_seconds))
            for feed in asker.archive.city.feeds
            if feed.cadence_seconds and feed.url.startswith(("http://", "https://"))
        }
        pace = asker.budgets.pace(declared.values())
        self.cadences: Mapping[str, float] = {feed: cadence * pace[host] for feed, (host, cadence) in declared.items()}
        self._hosts = {feed: host for feed, (host, _) in declared.items()}
        self._schedule = Schedule(Random())
        self._changed = threading.Condition()
        self._out: Counter[_Way] = Counter()
        self._waiting: dict[_Way, deque[str]] = defaultdict(deque)
        self._lanes: dict[bool, SimpleQueue[tuple[str, _Way] | None]] = {False: SimpleQueue(), True: SimpleQueue()}
        self._planner: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Ask from now on; feeds that are due at once are spread over a minute."""
        with self.asker.archive.engine.connect() as connection:
            asks = list_asks(connection)
        now, moment = read_clock(), datetime.now(UTC)
        for feed, cadence in self.cadences.items():
            ago = (moment - asks[feed].asked).total_seconds() if feed in asks else None
            self._schedule.add(feed, cadence, now, ago)
        for failing, number in ((False, WELL_THREADS), (True, FAILING_THREADS)):
            for _ in range(min(number, len(self.cadences))):
                # Daemons: an answer that still hangs when the node stops must not hold it.
                threading.Thread(target=self._work, args=(failing,), name="asking", daemon=True).start()
        self._planner = threading.Thread(target=self._plan, name="asking-plan", daemon=True)
        self._planner.start()

    def stop(self) -> None:
        """Ask no more; what is being written is finished, what is still under way is dropped when it comes."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for failing, number in ((False, WELL_THREADS), (True, FAILING_THREADS)):
            for _ in range(number):
                self._lanes[failing].put(None)
        self.asker.stop(_PATIENCE_S)
        if self._planner is not None:
            self._planner.join()

    @property
    def is_started(self) -> bool:
        """Whether publishers are asked by plan."""
        return self._planner is not None

    @property
    def has_failed(self) -> bool:
        """Whether the plan came to an end by itself, so that nothing is asked any more."""
        return self._planner is not None and not self._planner.is_alive() and not self._stopping

    def find_due(self, feed: str) -> datetime | None:
        """When the feed is asked next; None where it isn't asked by plan, or is being asked."""
        with self._changed:
            due = self._schedule.find_due(feed)
            return None if due is None else datetime.now(UTC) + timedelta(seconds=due - read_clock())

    def _plan(self) -> None:
        with self._changed:
            while not self._stopping:
                now = read_clock()
                for feed in self._schedule.take(now):
                    self._send(feed)
                self._changed.wait(self._schedule.find_next(now, _LONGEST_WAIT_S))

    def _send(self, feed: str) -> None:
        """Hand the feed to a thread, or have it wait until fewer of its host are under way."""
        way = (self._schedule.is_failing(feed), self._hosts[feed])
        if self._out[way] >= AT_ONCE:
            self._waiting[way].append(feed)
        else:
            self._out[way] += 1
            self._lanes[way[0]].put((feed, way))

    def _work(self, failing: bool) -> None:
        while (handed := self._lanes[failing].get()) is not None:
            feed, way = handed
            self._ask(feed)
            with self._changed:
                if self._waiting[way]:
                    self._lanes[failing].put((self._waiting[way].popleft(), way))
                else:
                    self._out[way] -= 1
                self._changed.notify()

    def _ask(self, feed: str) -> None:
        """Ask the feed and plan its next time. Whatever goes wrong is this feed's: the others go on."""
        try:
            admission = self.asker.ask(feed)
        except BudgetSpentError as error:
            with self._changed:
                self._schedule.defer(feed, read_clock() + error.wait_s)
            return
        except (Exception, PanicException) as error:  # noqa: BLE001  here a feed's failure, whatever it is, ends
            if not isinstance(error, PasserelleError):
                _log.error("asking a feed failed", feed=feed, exc_info=error)
            answered, wait = False, error.wait_s if isinstance(error, StatusError) else None
        else:
            answered, wait = admission.state is not ReplyState.UNREADABLE, None
        with self._changed:
            if answered:
                self._schedule.succeed(feed, read_clock())
            else:
                self._schedule.fail(feed, read_clock(), wait)
