"""What kept replies say by today's parser, remembered for a while for whoever looks at them next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection

from passerelle.archive.admit import parse_reply, refuse_unreadable
from passerelle.archive.replies import ReplyFiles
from passerelle.archive.rows import Checked, Checker
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.registry.refused import count_reasons, delete_refused, put_refused
from passerelle.registry.replies import Counts, StoredReply, set_admitted

AT_ONCE = 2
"""Replies that are read at once: each takes the memory of all its rows until they are admitted."""

MOST, MOST_ROWS = 100, 100_000
"""Readings that are remembered, and their rows: some 10 MB."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says, and what of it is admitted."""

    parsed: Parsed
    checked: Checked

    @property
    def rows(self) -> int:
        """The rows of the reply that could be read."""
        return int(self.checked.rows.num_rows + self.checked.refused.num_rows)

    def count(self) -> Counts:
        """What came out of the reply."""
        return Counts(
            rows=self.checked.rows.num_rows,
            refused=self.checked.refused.num_rows,
            places=len(self.parsed.places),
            series=len(self.checked.series),
        )


class Readings:
    """Reads kept replies. Many threads may use it."""

    def __init__(self, files: ReplyFiles, get_feed: Callable[[str], Feed]) -> None:
        self._files, self._get_feed = files, get_feed
        self._remembered: dict[int, Reading] = {}
        self._lock = threading.Lock()

    def read(self, stored: StoredReply) -> Reading:
        """What the reply says now; `ReplyError` where nothing of it can be read."""
        feed = self._get_feed(stored.feed)
        body = self._files.read(stored.sha256, stored.bytes)
        parsed = parse_reply(FORMS[stored.form], Reply(body, stored.received, stored.content_type, stored.name), feed)
        rows = pl.DataFrame(pl.from_arrow(parsed.observations))
        return Reading(parsed, refuse_unreadable(parsed, Checker(feed, stored.received).check(rows)))

    def remember(self, reply_id: int, reading: Reading) -> None:
        """Hold the reading for one `take`; the oldest go when there are too many."""
        with self._lock:
            self._remembered[reply_id] = reading
            rows = sum(one.rows for one in self._remembered.values())
            while rows > MOST_ROWS or len(self._remembered) > MOST:
                rows -= self._remembered.pop(next(iter(self._remembered))).rows

    def take(self, stored: StoredReply) -> Reading:
        """The reading that the reply was admitted with, where it is still held, else as `read`."""
        with self._lock:
            reading = self._remembered.pop(stored.id, None)
        return self.read(stored) if reading is None else reading


def put_reading(connection: Connection, stored: StoredReply, reading: Reading) -> None:
    """The reply's rows are in the lake, and those it is refused for are kept."""
    delete_refused(connection, stored.id)
    put_refused(connection, stored.id, reading.checked.refused)
    count_reasons(connection, stored.id, reading.checked.kinds)
    set_admitted(connection, stored.id, reading.count())
