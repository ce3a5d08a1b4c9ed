"""The time at which this node learns things."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class Clock:
    """The machine's time, held back while it is behind what was read before.

    What comes later is known later: a machine whose time was set back would otherwise file a
    correction beneath the value it corrects. `last` is the latest time that was ever given.
    """

    def __init__(self, last: datetime) -> None:
        self._last = last
        self._lock = threading.Lock()

    def read(self) -> datetime:
        """Now, in UTC, or the latest time given before where the machine's is earlier."""
        with self._lock:
            self._last = max(self._last, datetime.now(UTC))
            return self._last
