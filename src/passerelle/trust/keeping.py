"""Judges feeds and their series, and keeps what is found: the marks, and the light of each newest value."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed
from passerelle.registry.database import writing
from passerelle.registry.deliveries import list_sites
from passerelle.registry.replies import find_last_reply
from passerelle.registry.series import StoredSeries, list_series
from passerelle.registry.trust import (
    JudgedFeed,
    StoredMark,
    list_judged,
    list_marks,
    replace_marks,
    set_judged,
)
from passerelle.trust.check import FeedRecord, Record, Site
from passerelle.trust.checks.freshness import CHECK as FRESHNESS
from passerelle.trust.deliveries import read_deliveries
from passerelle.trust.judge import CHECKS, LOOKBACK, judge_feed, judge_series
from passerelle.trust.light import Judged
from passerelle.trust.lighting import Newest, keep_lights
from passerelle.trust.records import Horizon, Read, find_horizon, read_records
from passerelle.trust.words import to_microseconds, to_time

MOST_SERIES = 100_000
MOST_FEED_ROWS = 5_000_000
"""Observations of a feed that its checks may look at together; of a larger one they see the last `LOOKBACK`."""

_ARRIVALS = 1000
"""Intervals of a feed that are looked back when nothing came: more than freshness learns from."""

WHOLE_EVERY = timedelta(days=1)
"""How often a feed that is followed is judged by the checks that see all of it."""

CHECKS_NAMED = ",".join(check.name for check in CHECKS)
"""What a feed was judged by; a program with other checks judges it anew."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What came of a feed: series by number, and the sources that brought it."""

    series: Sequence[int]
    sources: frozenset[int]


class Keeper:
    """Judges and keeps. Many threads may use it; one judges at a time.

    `rest` is called after each batch with the seconds it took: who shares the interpreter rests as long.
    """

    def __init__(self, archive: Archive, rest: Callable[[float], object] = lambda _: None) -> None:
        self._archive = archive
        self._rest = rest
        self._alone = threading.Lock()

    def judge_due(self, feeds: Sequence[str]) -> list[str]:
        """Those of `feeds` of which something came since they were judged; now judged whole."""
        due = [one for one in self.list_due() if one in feeds]
        for feed_id in due:
            self.judge_whole(feed_id)
        return due

    def list_due(self) -> list[str]:
        """Feeds that were never judged, were judged by other checks, long ago, or before their last reply."""
        now = self._archive.clock.read()
        with self._archive.engine.connect() as connection:
            judged = list_judged(connection)
            last = {feed.id: find_last_reply(connection, feed.id) for feed in self._archive.city.feeds}
        due = []
        for feed in self._archive.city.feeds:
            found, reply = judged.get(feed.id), last[feed.id]
            stale = found is None or found.checks != CHECKS_NAMED or _is_old(feed, found.judged, now)
            if stale or (found is not None and reply is not None and reply.id > found.reply):
                due.append(feed.id)
        return due

    def note(self, feed_id: str, reply: int) -> None:
        """The feed's replies up to this number are judged, as far as they touch single series."""
        with writing(self._archive.engine) as connection:
            judged = list_judged(connection).get(feed_id)
            if judged is not None and judged.reply < reply:
                set_judged(connection, replace(judged, reply=reply))

    def judge_whole(self, feed_id: str) -> int:
        """How many series of the feed were judged: every check has seen all that is held of it."""
        archive, feed = self._archive, self._archive.get_feed(feed_id)
        with self._alone:
            now = archive.clock.read()
            series = self._list(feed)
            horizon = find_horizon(archive, feed, series, now)
            with archive.engine.connect() as connection:
                last = find_last_reply(connection, feed.id)
            records: list[Record] = []
            newest: list[Newest] = []
            for batch in self._paced(read_records(archive, feed, series, horizon)):
                self._keep(feed, horizon, batch, {}, now)
                newest += [Newest.of(one) for one in batch]
                records = _fit([*records, *(one.record for one in batch)], horizon)
            self._keep_whole(feed, horizon, records, now)
            keep_lights(archive, feed, horizon, newest, now)
            with writing(archive.engine) as connection:
                set_judged(connection, JudgedFeed(feed.id, now, 0 if last is None else last.id, CHECKS_NAMED))
            return len(series)

    def judge_touched(self, feed_id: str, touched: Touched, start: datetime) -> int:
        """How many series were judged again: those that got observations from `touched.sources`.

        `start` is the earliest of those observations; what was found before it stays.
        """
        archive, feed = self._archive, self._archive.get_feed(feed_id)
        numbers, judged = set(touched.series), 0
        with self._alone:
            now = archive.clock.read()
            series = self._list(feed)
            horizon = find_horizon(archive, feed, series, now)
            chosen = [one for one in series if one.number in numbers]
            for batch in self._paced(read_records(archive, feed, chosen, horizon, start - LOOKBACK)):
                since = {one.series.number: _find_first(one, touched.sources) for one in batch}
                came = [one for one in batch if since[one.series.number] is not None]
                self._keep(feed, horizon, came, since, now)
                keep_lights(archive, feed, horizon, [Newest.of(one) for one in came], now)
                judged += len(came)
        return judged

    def judge_waiting(self, feed_id: str) -> int:
        """How many series of the feed were judged for what did not come: their newest values have grown older."""
        archive, feed = self._archive, self._archive.get_feed(feed_id)
        with self._alone:
            now = archive.clock.read()
            series = self._list(feed)
            horizon = find_horizon(archive, feed, series, now)
            if not horizon.followed:
                return 0
            judged = 0
            for batch in read_records(archive, feed, series, horizon, now - _ARRIVALS * horizon.rhythm):
                held = [one for one in batch if len(one.record.start)]
                found = {one.series.number: _judge_freshness(one) for one in held}
                with writing(archive.engine) as connection:
                    marks = list_marks(connection, feed=feed.id, series=list(found))
                    before = [mark for mark in marks if mark.check == FRESHNESS.name]
                    new = [_store(feed, horizon, one, number, now) for number, of in found.items() for one in of]
                    replace_marks(connection, before, new, now)
                keep_lights(archive, feed, horizon, [Newest.of(one) for one in held], now)
                judged += len(held)
            return judged

    def _paced(self, batches: Iterator[list[Read]]) -> Iterator[list[Read]]:
        began = time.monotonic()
        for batch in batches:
            yield batch
            self._rest(time.monotonic() - began)
            began = time.monotonic()

    def _list(self, feed: Feed) -> list[StoredSeries]:
        with self._archive.engine.connect() as connection:
            return list_series(connection, feed=feed.id, limit=MOST_SERIES)

    def _keep(
        self,
        feed: Feed,
        horizon: Horizon,
        batch: Sequence[Read],
        since: Mapping[int, datetime | None],
        now: datetime,
    ) -> None:
        """Keep what the checks of single series find, since the times in `since` or, without one, in all there is."""
        found = {one.series.number: judge_series(one.record, since.get(one.series.number)) for one in batch}
        with writing(self._archive.engine) as connection:
            held = list_marks(connection, feed=feed.id, series=list(found))
            again = [mark for mark in held if not mark.whole_feed and _ends_after(mark, since.get(mark.series or 0))]
            new = [_store(feed, horizon, one, number, now) for number, marks in found.items() for one in marks]
            replace_marks(connection, again, new, now)

    def _keep_whole(self, feed: Feed, horizon: Horizon, records: Sequence[Record], now: datetime) -> None:
        """Keep what the checks that see the whole feed find."""
        deliveries = read_deliveries(self._archive, feed)
        with self._archive.engine.connect() as connection:
            sites = [Site(site.place, site.first, site.last) for site in list_sites(connection, feed.id)]
        found = judge_feed(
            FeedRecord(
                feed=feed.id,
                zone=feed.time_zone,
                cadence_seconds=horizon.cadence_seconds,
                records=records,
                sites=sites,
                deliveries=deliveries,
                seen_until=horizon.seen_until,
                now=horizon.now,
            )
        )
        new = [
            _store(feed, horizon, one, number, now, whole_feed=True)
            for one in found
            for number in (one.series if one.series is not None else (None,))
        ]
        with writing(self._archive.engine) as connection:
            replace_marks(connection, _list_whole(connection, feed), new, now)


def _judge_freshness(one: Read) -> list[Judged]:
    assert FRESHNESS.judge is not None  # noqa: S101  it sees single series
    return [Judged(FRESHNESS.name, mark, (one.series.number,)) for mark in FRESHNESS.judge(one.record)]


def _list_whole(connection: Connection, feed: Feed) -> list[StoredMark]:
    return [mark for mark in list_marks(connection, feed=feed.id) if mark.whole_feed]


def _store(
    feed: Feed, horizon: Horizon, judged: Judged, number: int | None, now: datetime, *, whole_feed: bool = False
) -> StoredMark:
    mark = judged.mark
    return StoredMark(
        feed=feed.id,
        series=number,
        check=judged.check,
        whole_feed=whole_feed,
        light=mark.light.value,
        start=mark.start,
        end=mark.end,
        ongoing=horizon.followed and mark.end >= horizon.now,
        reason=mark.reason,
        evidence=mark.evidence,
        said=now,
    )


def _ends_after(mark: StoredMark, since: datetime | None) -> bool:
    return since is None or mark.ongoing or mark.end > since


def _find_first(one: Read, sources: frozenset[int]) -> datetime | None:
    """The start of the earliest observation that came from `sources`; None where none is current."""
    came = one.record.start[np.isin(one.source, list(sources))]
    return to_time(came.min()) if len(came) else None


def _fit(records: list[Record], horizon: Horizon) -> list[Record]:
    """The records whole while they are few; else what of them lies in the time that checks learn from."""
    if sum(len(record.start) for record in records) <= MOST_FEED_ROWS:
        return records
    earliest = to_microseconds(horizon.now - LOOKBACK)
    return [_cut(record, int(np.searchsorted(record.start, earliest))) for record in records]


def _cut(record: Record, first: int) -> Record:
    return replace(
        record,
        start=record.start[first:].copy(),
        end=record.end[first:].copy(),
        known_since=record.known_since[first:].copy(),
        value=record.value[first:].copy(),
    )


def _is_old(feed: Feed, judged: datetime, now: datetime) -> bool:
    return feed.cadence_seconds is not None and now - judged > WHOLE_EVERY
