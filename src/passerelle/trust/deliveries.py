"""What each reply of a feed was like: its names, its rows, what was refused of it and what stood in it twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa

from passerelle.archive.archive import Archive
from passerelle.archive.reading import Reading
from passerelle.archive.rows import WORDS
from passerelle.archive.tables import FORM as TABLE
from passerelle.feeds.feed import Feed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.model.errors import PasserelleError, ReplyError
from passerelle.model.interval import format_time, parse_time
from passerelle.model.series import Series
from passerelle.registry.database import writing
from passerelle.registry.deliveries import list_deliveries, put_delivery, put_sites
from passerelle.registry.refused import list_reasons_of, list_refused
from passerelle.registry.replies import ReplyState, StoredReply, list_replies
from passerelle.trust.check import Delivery, Refusals, Repeat
from passerelle.trust.names import list_names

MOST_DELIVERIES = 2000
"""The newest replies of a feed that its checks see; a feed asked each minute sends as many in a day and a half."""

_MOST_REPEATS = 200


def read_deliveries(archive: Archive, feed: Feed) -> list[Delivery]:
    """The feed's newest replies by time of receipt; what isn't kept of them yet is read from their bytes, and kept."""
    with archive.engine.connect() as connection:
        replies = list_replies(connection, feed=feed.id, limit=MOST_DELIVERIES)
        held = list_deliveries(connection, feed.id, MOST_DELIVERIES)
    found = []
    for stored in replies:
        if stored.state in (ReplyState.HELD, ReplyState.POSTED) or stored.form not in (*FORMS, TABLE):
            continue
        names, document = held.get(stored.id) or look_at(archive, feed, stored)
        found.append(_restore(stored, names, document))
    return sorted(found, key=lambda delivery: delivery.received)


def look_at(
    archive: Archive, feed: Feed, stored: StoredReply, read: Reading | None = None
) -> tuple[list[str], dict[str, Any]]:
    """The names and the rest of a reply, now kept; `read` is what it says, where the caller has read it already."""
    if read is None and _is_readable(stored):
        read = _read(archive, stored)
    names, document = _describe(archive, feed, stored, read)
    with writing(archive.engine) as connection:
        if read is not None:
            put_sites(connection, feed.id, read.parsed.places, stored.received)
        put_delivery(connection, feed.id, stored.id, names, document)
    return names, document


def read_rows(archive: Archive, feed: Feed, stored: StoredReply) -> pa.Table | None:
    """The rows that a reply which has just come was admitted with, and what it was like, now kept; None where none."""
    read = _read(archive, stored) if _is_readable(stored) else None
    look_at(archive, feed, stored, read)
    return None if read is None else read.checked.rows


def _is_readable(stored: StoredReply) -> bool:
    return stored.state is ReplyState.ADMITTED and stored.form != TABLE and stored.dropped is None


def _read(archive: Archive, stored: StoredReply) -> Reading | None:
    try:
        return archive.readings.take(stored)
    except ReplyError:
        # Read by an earlier parser and not by today's: its rows are in the lake all the same.
        return None


def _describe(
    archive: Archive, feed: Feed, stored: StoredReply, read: Reading | None
) -> tuple[list[str], dict[str, Any]]:
    bare: dict[str, Any] = {"first": None, "last": None, "refused": _list_refusals(archive, stored), "repeats": []}
    if stored.form == TABLE or stored.dropped is not None:
        return [], bare
    body = archive.files.read(stored.sha256, stored.bytes)
    names = list(list_names(Reply(body, stored.received, stored.content_type, stored.name)))
    rows = None if read is None else pl.DataFrame(pl.from_arrow(read.parsed.observations))
    if rows is None or not rows.height:
        return names, bare
    first, last = rows.select(pl.col("start").min(), pl.col("end").max()).row(0)
    return names, {
        **bare,
        "first": format_time(first),
        "last": format_time(last),
        "repeats": list(_list_repeats(feed, rows)),
    }


def _list_repeats(feed: Feed, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    key = [*WORDS, "start"]
    doubled = rows.filter(pl.struct(key).is_duplicated()).group_by(key, maintain_order=True)
    for row in doubled.agg(pl.col("end").max(), pl.col("value")).head(_MOST_REPEATS).iter_rows(named=True):
        try:
            number = Series(feed.id, *(row[name] for name in WORDS)).number
        except PasserelleError:
            # The words stand for no series, so that all of the rows were refused, with that reason.
            continue
        yield {
            "series": number,
            "start": format_time(row["start"]),
            "end": format_time(row["end"]),
            "values": row["value"],
        }


def _list_refusals(archive: Archive, stored: StoredReply) -> list[dict[str, Any]]:
    if not stored.refused:
        return []
    with archive.engine.connect() as connection:
        kinds = list_reasons_of(connection, stored.id)
        # A refused row doesn't say its kind of reason: where there are several, none is shown for another's.
        shown = list_refused(connection, reply=stored.id, limit=1) if len(kinds) == 1 else []
    example = shown[0].raw if shown else ""
    return [{"reason": kind, "count": count, "example": example} for kind, count in kinds.items()]


def _restore(stored: StoredReply, names: list[str], document: Mapping[str, Any]) -> Delivery:
    return Delivery(
        reply=str(stored.id),
        received=stored.received,
        names=tuple(names),
        rows=stored.rows,
        first=_time(document["first"]),
        last=_time(document["last"]),
        refused=tuple(Refusals(**one) for one in document["refused"]),
        repeats=tuple(
            Repeat(one["series"], parse_time(one["start"]), parse_time(one["end"]), tuple(one["values"]))
            for one in document["repeats"]
        ),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
