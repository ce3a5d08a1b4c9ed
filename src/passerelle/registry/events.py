"""What happened in the node, newest kept: the log that pages and the event stream read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, Integer, String, Table, delete, insert, select

from passerelle.registry.schema import METADATA, Moment

KEPT_EVENTS = 20_000
"""About two weeks of a city with a dozen feeds asked every ten minutes."""

EVENTS = Table(
    "events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", String, nullable=False),
    Column("feed", String),
    Column("document", JSON, nullable=False),
    Index(None, "kind", "id"),
    Index(None, "feed", "id"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `kind` is one word, `document` what is to be said of it."""

    id: int
    at: datetime
    kind: str
    feed: str | None
    document: Mapping[str, Any]


def put_event(
    connection: Connection, kind: str, at: datetime, document: Mapping[str, Any], feed: str | None = None
) -> Event:
    """The event with its number; the oldest beyond `KEPT_EVENTS` are forgotten."""
    statement = insert(EVENTS).values(at=at, kind=kind, feed=feed, document=dict(document)).returning(EVENTS.c.id)
    number = int(connection.execute(statement).scalar_one())
    if number % 100 == 0:
        connection.execute(delete(EVENTS).where(EVENTS.c.id <= number - KEPT_EVENTS))
    return Event(number, at, kind, feed, dict(document))


def list_events(
    connection: Connection,
    *,
    kind: str | None = None,
    feed: str | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[Event]:
    """Events in the order they happened, those after the number `after`."""
    statement = select(EVENTS).where(EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
    equal = {EVENTS.c.kind: kind, EVENTS.c.feed: feed}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    return [Event(row.id, row.at, row.kind, row.feed, row.document) for row in connection.execute(statement)]
