"""Replies: when each came, what its bytes were and what became of them; the bytes themselves lie in files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    exists,
    func,
    insert,
    select,
    update,
)

from passerelle.model.errors import UnknownNameError
from passerelle.registry.schema import METADATA, Moment

_MEASURED = 1000


class ReplyState(StrEnum):
    """What became of a reply: bytes kept and rows awaited, rows in the lake, nothing readable, or a sender's posts."""

    HELD = "held"
    ADMITTED = "admitted"
    UNREADABLE = "unreadable"
    POSTED = "posted"


REPLIES = Table(
    "replies",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("feed", String, nullable=False),
    Column("form", String, nullable=False),
    Column("name", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("received", Moment, nullable=False),
    Column("recorded", Boolean, nullable=False),
    Column("kept", Moment, nullable=False),
    Column("sha256", String, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("stored_bytes", Integer, nullable=False),
    Column("dropped", Moment),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("rows", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("places", Integer, nullable=False),
    Column("series", Integer, nullable=False),
    Column("readings", Integer, nullable=False),
    Column("checks", Integer, nullable=False),
    Column("checked", Moment),
    Index(None, "feed", "id"),
    Index(None, "sha256"),
    Index(None, "state"),
    # A number once given is never given again: the lake knows batches by it.
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply's row.

    `received` is when its bytes were held, by this node or (`recorded`) by the dated recording it
    replays; `kept` when this node wrote them. `form` reads them. `checks` counts the times the
    publisher answered with the same bytes again, `checked` is the last. `dropped` is when retention
    dropped the bytes, None while they are kept. `readings` counts how often they were parsed.
    """

    id: int
    feed: str
    form: str
    name: str
    content_type: str
    received: datetime
    recorded: bool
    kept: datetime
    sha256: str
    bytes: int
    stored_bytes: int
    dropped: datetime | None
    state: ReplyState
    reason: str | None
    rows: int
    refused: int
    places: int
    series: int
    readings: int
    checks: int
    checked: datetime | None


@dataclass(frozen=True, slots=True)
class NewReply:
    """What is known of a reply when its bytes have been kept; one whose bytes may not be is unreadable at once."""

    feed: str
    form: str
    name: str
    content_type: str
    received: datetime
    recorded: bool
    kept: datetime
    sha256: str
    bytes: int
    stored_bytes: int
    state: ReplyState = ReplyState.HELD
    reason: str | None = None
    dropped: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What came out of a reply: rows admitted and refused, places and series named."""

    rows: int
    refused: int
    places: int
    series: int


@dataclass(frozen=True, slots=True)
class FeedReplies:
    """A feed's replies in numbers: how many, when the last came or was checked, rows admitted and refused."""

    replies: int
    last: datetime
    rows: int
    refused: int
    stored_bytes: int


def put_reply(connection: Connection, new: NewReply) -> int:
    """The number of the reply, never given before."""
    values = {name: getattr(new, name) for name in NewReply.__slots__}
    zero = dict.fromkeys(("rows", "refused", "places", "series", "readings", "checks"), 0)
    statement = insert(REPLIES).values(**values, **zero).returning(REPLIES.c.id)
    return int(connection.execute(statement).scalar_one())


def get_reply(connection: Connection, reply_id: int) -> StoredReply:
    """The reply of that number; `UnknownNameError` where there is none."""
    row = connection.execute(select(REPLIES).where(REPLIES.c.id == reply_id)).one_or_none()
    if row is None:
        raise UnknownNameError("reply", str(reply_id), where="reply")
    return _read(row)


def find_last_reply(connection: Connection, feed: str) -> StoredReply | None:
    """The feed's newest reply, posts left out, or None."""
    statement = select(REPLIES).where(REPLIES.c.feed == feed, REPLIES.c.state != ReplyState.POSTED)
    row = connection.execute(statement.order_by(REPLIES.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _read(row)


def list_replies(
    connection: Connection,
    *,
    feed: str | None = None,
    state: ReplyState | None = None,
    limit: int = 100,
    after: int | None = None,
) -> list[StoredReply]:
    """Replies, newest first, those before the number `after`."""
    statement = select(REPLIES).order_by(REPLIES.c.id.desc()).limit(limit)
    equal = {REPLIES.c.feed: feed, REPLIES.c.state: state}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if after is not None:
        statement = statement.where(REPLIES.c.id < after)
    return [_read(row) for row in connection.execute(statement)]


def list_kept(connection: Connection, *, feed: str | None = None, form: str | None = None) -> list[StoredReply]:
    """Replies whose bytes are still kept, oldest first."""
    statement = select(REPLIES).where(REPLIES.c.dropped.is_(None), REPLIES.c.state != ReplyState.POSTED)
    equal = {REPLIES.c.feed: feed, REPLIES.c.form: form}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    return [_read(row) for row in connection.execute(statement.order_by(REPLIES.c.id))]


def list_held(connection: Connection) -> list[int]:
    """Numbers of the replies whose rows are still awaited, oldest first."""
    statement = select(REPLIES.c.id).where(REPLIES.c.state == ReplyState.HELD).order_by(REPLIES.c.id)
    return list(connection.execute(statement).scalars())


def summarise_replies(connection: Connection) -> dict[str, FeedReplies]:
    """For each feed that has replies: their numbers; posts count as rows of no reply."""
    last = func.max(func.coalesce(REPLIES.c.checked, REPLIES.c.received), type_=Moment)
    sums = [func.sum(REPLIES.c[name]) for name in ("rows", "refused", "stored_bytes")]
    rows = connection.execute(
        select(REPLIES.c.feed, func.count(), last, *sums)
        .where(REPLIES.c.state != ReplyState.POSTED)
        .group_by(REPLIES.c.feed)
    )
    return {row[0]: FeedReplies(*row[1:]) for row in rows}


def count_states(connection: Connection, feed: str) -> dict[str, int]:
    """How many of the feed's replies are in each state; posts are none."""
    statement = select(REPLIES.c.state, func.count()).where(
        REPLIES.c.feed == feed, REPLIES.c.state != ReplyState.POSTED
    )
    return {row[0]: row[1] for row in connection.execute(statement.group_by(REPLIES.c.state))}


def measure_replies(connection: Connection, feed: str) -> float | None:
    """The median seconds from one of the feed's newest thousand replies to the next, None of fewer than three."""
    statement = select(REPLIES.c.received).where(REPLIES.c.feed == feed, REPLIES.c.state != ReplyState.POSTED)
    newest = connection.execute(statement.order_by(REPLIES.c.id.desc()).limit(_MEASURED)).scalars()
    apart = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(newest))]
    return median(apart) if len(apart) > 1 else None


def count_replies(connection: Connection) -> tuple[int, int]:
    """How many replies were kept, and how many rows were refused."""
    statement = select(func.count(), func.coalesce(func.sum(REPLIES.c.refused), 0))
    replies, refused = connection.execute(statement.where(REPLIES.c.state != ReplyState.POSTED)).one()
    return replies, refused


def set_checked(connection: Connection, reply_id: int, moment: datetime) -> None:
    """Count one more check that found the publisher's bytes unchanged."""
    connection.execute(
        update(REPLIES).where(REPLIES.c.id == reply_id).values(checks=REPLIES.c.checks + 1, checked=moment)
    )


def set_admitted(connection: Connection, reply_id: int, counts: Counts) -> None:
    """The reply's rows are in the lake."""
    connection.execute(
        update(REPLIES)
        .where(REPLIES.c.id == reply_id)
        .values(
            state=ReplyState.ADMITTED,
            reason=None,
            rows=counts.rows,
            refused=counts.refused,
            places=counts.places,
            series=counts.series,
            readings=REPLIES.c.readings + 1,
        )
    )


def set_unreadable(connection: Connection, reply_id: int, reason: str) -> None:
    """Nothing of the reply can be read, for this reason; its bytes stay."""
    connection.execute(
        update(REPLIES)
        .where(REPLIES.c.id == reply_id)
        .values(state=ReplyState.UNREADABLE, reason=reason, readings=REPLIES.c.readings + 1)
    )


def set_dropped(connection: Connection, reply_ids: Iterable[int], moment: datetime) -> None:
    """Retention dropped these replies' bytes."""
    connection.execute(update(REPLIES).where(REPLIES.c.id.in_(list(reply_ids))).values(dropped=moment))


def holds_bytes(connection: Connection, sha256: str) -> bool:
    """Whether any reply still needs the file of these bytes."""
    condition = exists().where(REPLIES.c.sha256 == sha256, REPLIES.c.dropped.is_(None))
    return bool(connection.execute(select(condition)).scalar_one())


def _read(row: Row[Any]) -> StoredReply:
    return StoredReply(**{**row._mapping, "state": ReplyState(row.state)})  # noqa: SLF001
