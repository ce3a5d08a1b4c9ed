"""When each feed is due: a plan that doesn't drift, doesn't catch up, and waits longer for what keeps failing.

Times here are seconds of any clock that only goes forward; nothing is asked and nothing waits in this file.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from random import Random

FIRST_RETRY_S = 60.0
"""The wait after a first failure, or the cadence where that is shorter; it doubles with each failure in a row."""

LONGEST_WAIT_S = 3600.0
"""The longest that failures stretch the wait to, or the cadence where that is longer."""

LONGEST_OBEYED_S = 86_400.0
"""The longest that a publisher's Retry-After is obeyed."""

SPREAD_S = 60.0
"""Over how long the feeds are spread that are due at once when a node starts or wakes."""

_SLEPT_S = 10.0


@dataclass(slots=True)
class _Plan:
    cadence: float
    origin: float
    due: float
    failures: int = 0
    is_out: bool = False
    strayed: bool = False


class Schedule:
    """The plan of all feeds. Not for many threads at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._plans: dict[str, _Plan] = {}
        self._queue: list[tuple[float, str]] = []
        self._expected: float | None = None

    def add(self, feed: str, cadence: float, now: float, ago: float | None) -> None:
        """Plan the feed, which was asked `ago` seconds before `now` or (None) never.

        It is due a cadence after that. Where that is past it is asked soon, and planned from any time within a cadence
        on: feeds that start together neither go out together nor stay together.
        """
        if ago is not None and ago < cadence:
            due = now + min(cadence - ago, cadence)
            self._plans[feed] = _Plan(cadence, due, due)
        else:
            due = now + self._random.uniform(0, min(cadence, SPREAD_S))
            self._plans[feed] = _Plan(cadence, now + self._random.uniform(0, cadence), due, strayed=True)
        self._put(feed, due)

    def take(self, now: float) -> list[str]:
        """The feeds that are due, the longest due first; each is out until it is settled."""
        self._notice_sleep(now)
        taken = []
        while (due := self._peek()) is not None and due <= now:
            feed = heapq.heappop(self._queue)[1]
            self._plans[feed].is_out = True
            taken.append(feed)
        return taken

    def find_next(self, now: float, longest: float) -> float:
        """How long to wait from `now` until the next feed is due, at most `longest`."""
        due = self._peek()
        wait = longest if due is None else max(0.0, min(longest, due - now))
        self._expected = now + wait
        return wait

    def succeed(self, feed: str, now: float) -> None:
        """The feed answered: it is due at the next time of its plan, those that passed meanwhile are left out."""
        plan = self._plans[feed]
        # A feed that was asked off its plan's times isn't to be asked again right after.
        earliest = now + plan.cadence / 2 if plan.strayed else now
        plan.failures, plan.strayed = 0, False
        self._put(feed, plan.origin + (math.floor((earliest - plan.origin) / plan.cadence) + 1) * plan.cadence)

    def fail(self, feed: str, now: float, wait: float | None = None) -> None:
        """The feed failed, and its publisher asked for a `wait` in seconds or (None) for none.

        The wait is drawn from the upper half of what the failures in a row make it, so that feeds that failed together
        don't come back together.
        """
        plan = self._plans[feed]
        longest = max(plan.cadence, LONGEST_WAIT_S)
        # Doubling stops long before the number is too large to hold.
        grown = min(longest, min(plan.cadence, FIRST_RETRY_S) * 2.0 ** min(plan.failures, 32))
        plan.failures, plan.strayed = plan.failures + 1, True
        asked = min(wait or 0.0, LONGEST_OBEYED_S)
        self._put(feed, now + max(asked, self._random.uniform(grown / 2, grown)))

    def defer(self, feed: str, until: float) -> None:
        """The feed may not be asked before `until`, which is no failure of its own."""
        self._plans[feed].strayed = True
        self._put(feed, until)

    def is_failing(self, feed: str) -> bool:
        """Whether the feed's last ask failed."""
        return self._plans[feed].failures > 0

    def find_due(self, feed: str) -> float | None:
        """When the feed is due; None where it isn't planned, or is being asked."""
        plan = self._plans.get(feed)
        return None if plan is None or plan.is_out else plan.due

    def _notice_sleep(self, now: float) -> None:
        """After a sleep of the machine everything is due at once: spread it as at the start."""
        if self._expected is None or now - self._expected < _SLEPT_S:
            return
        for feed, plan in self._plans.items():
            if not plan.is_out and plan.due <= now:
                plan.strayed = True
                self._put(feed, now + self._random.uniform(0, min(plan.cadence, SPREAD_S)))

    def _put(self, feed: str, due: float) -> None:
        plan = self._plans[feed]
        plan.due, plan.is_out = due, False
        heapq.heappush(self._queue, (due, feed))

    def _peek(self) -> float | None:
        """When the first of the queue is due; what was put anew since stands further down and is left out here."""
        while self._queue:
            due, feed = self._queue[0]
            plan = self._plans[feed]
            if not plan.is_out and plan.due == due:
                return due
            heapq.heappop(self._queue)
        return None
