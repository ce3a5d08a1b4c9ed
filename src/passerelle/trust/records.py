"""Reads series from the lake as the checks see them, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed
from passerelle.lake.contract import Selection
from passerelle.model.series import Series
from passerelle.registry.asks import find_ask
from passerelle.registry.replies import ReplyState, list_replies, summarise_replies
from passerelle.registry.series import StoredSeries
from passerelle.trust.check import Record, Versions

MOST_ROWS = 1_000_000
"""Rows read at once: some 100 MB with their arrays."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Horizon:
    """What a judgement of a feed is made for: the moment, until when the feed was heard, and what it declares.

    A feed that this node follows was asked by it, or is posted to. Another one, since it ended or is a recording, is
    judged as of its newest observation's end: nothing later is expected of it, and `cadence_seconds` is None.
    """

    now: datetime
    seen_until: datetime
    cadence_seconds: int | None

    @property
    def followed(self) -> bool:
        """Whether more is expected of the feed."""
        return self.cadence_seconds is not None

    @property
    def rhythm(self) -> timedelta:
        """The interval at which the feed says that it brings values; nothing for one that isn't followed."""
        return timedelta(seconds=self.cadence_seconds or 0)


@dataclass(frozen=True, slots=True)
class Read:
    """A series with its record, and the number of the reply that each observation came from."""

    series: StoredSeries
    record: Record
    source: Integers


def find_horizon(archive: Archive, feed: Feed, series: Sequence[StoredSeries], now: datetime) -> Horizon:
    """The feed's horizon at `now`, which stands where the feed has no observation."""
    latest = archive.lake.latest(Selection([one.number for one in series]))
    newest, known = (pc.max(latest[name]).as_py() for name in ("end", "known_since"))
    with archive.engine.connect() as connection:
        summary = summarise_replies(connection).get(feed.id)
        posted = bool(list_replies(connection, feed=feed.id, state=ReplyState.POSTED, limit=1))
        ask = find_ask(connection, feed.id)
    heard: list[datetime] = [] if known is None else [known]
    heard += [] if summary is None else [summary.last]
    heard += [] if ask is None else [ask.asked]
    if feed.cadence_seconds is not None and (ask is not None or posted):
        return Horizon(now, min(now, max(heard, default=now)), feed.cadence_seconds)
    end = newest or now
    return Horizon(end, end, None)


def read_records(
    archive: Archive,
    feed: Feed,
    series: Sequence[StoredSeries],
    horizon: Horizon,
    start: datetime | None = None,
) -> Iterator[list[Read]]:
    """The series' records with the observations from `start` on, in batches of at most `MOST_ROWS` or one series."""
    for batch in _divide(archive, series):
        numbers = [one.number for one in batch]
        every = archive.lake.history(Selection(numbers, start)).combine_chunks()
        current, revised = _tell_apart(every)
        rows, versions = every.filter(current), _split_versions(every.filter(revised))
        columns = {name: _integers(rows[name]) for name in ("series", "start", "end", "known_since", "source")}
        value = rows["value"].to_numpy()
        found = []
        for one, span in zip(batch, _spans(columns["series"], numbers), strict=True):
            record = Record(
                series=Series(one.feed, one.place, one.quantity, one.facet),
                zone=feed.time_zone,
                cadence_seconds=horizon.cadence_seconds,
                start=columns["start"][span],
                end=columns["end"][span],
                value=value[span],
                known_since=columns["known_since"][span],
                seen_until=horizon.seen_until,
                now=horizon.now,
                versions=versions.get(one.number, _NOTHING_REVISED),
            )
            found.append(Read(one, record, columns["source"][span]))
        yield found


def _divide(archive: Archive, series: Sequence[StoredSeries]) -> Iterator[list[StoredSeries]]:
    counted = archive.lake.coverage([one.number for one in series])
    rows = dict(zip(counted["series"].to_pylist(), counted["rows"].to_pylist(), strict=True))
    batch: list[StoredSeries] = []
    total = 0
    for one in sorted(series, key=lambda one: one.number):
        more = rows.get(one.number, 0)
        if batch and total + more > MOST_ROWS:
            yield batch
            batch, total = [], 0
        batch.append(one)
        total += more
    if batch:
        yield batch


def _tell_apart(every: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Which rows of a history are current, and which are of a key that has several versions."""
    series, start = _integers(every["series"]), _integers(every["start"])
    again = (series[1:] == series[:-1]) & (start[1:] == start[:-1])
    superseded, revises = np.append(again, False), np.insert(again, 0, False)
    has_value = every["value"].is_valid().to_numpy()
    return pa.array(~superseded & has_value), pa.array(superseded | revises)


def _split_versions(rows: pa.Table) -> dict[int, Versions]:
    series, value = _integers(rows["series"]), rows["value"].to_numpy()
    columns = {name: _integers(rows[name]) for name in ("start", "known_since", "source")}
    numbers = np.unique(series).tolist()
    return {
        number: Versions(**{name: column[span] for name, column in columns.items()}, value=value[span])
        for number, span in zip(numbers, _spans(series, numbers), strict=True)
    }


def _spans(series: Integers, numbers: Sequence[int]) -> list[slice]:
    ends = np.searchsorted(series, numbers, side="right")
    return [slice(int(first), int(last)) for first, last in zip(np.searchsorted(series, numbers), ends, strict=True)]


def _integers(column: pa.ChunkedArray) -> Integers:
    array = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    integers: Integers = array.view(pa.int64()).to_numpy(zero_copy_only=False)
    return integers


_NONE = np.array([], np.int64)
_NOTHING_REVISED = Versions(_NONE, _NONE, _NONE, np.array([], np.float64))
