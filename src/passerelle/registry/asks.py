"""Asking the publishers: what came of it, feed by feed, and the calls that budgets count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from passerelle.registry.schema import METADATA, Moment

ASKS = Table(
    "asks",
    METADATA,
    Column("feed", String, primary_key=True),
    Column("asked", Moment, nullable=False),
    Column("answered", Moment),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment),
    Column("reason", String),
    Column("told", Moment),
    Column("reply", Integer),
    Column("address", String),
    Column("etag", String),
    Column("modified", String),
)

CALLS = Table(
    "calls",
    METADATA,
    Column("budget", String, primary_key=True),
    Column("start", Moment, primary_key=True),
    Column("calls", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What came of asking a feed's publisher, the last time and before.

    `answered` is when a readable reply, or "unchanged since", last came. `failures` counts those in a row since
    `failing_since`, `reason` is the last one's and `told` when an event last said so. `etag` and `modified` came with
    the reply numbered `reply` from the address whose SHA-256 is `address`: with them the publisher can be asked only
    for what is newer.
    """

    feed: str
    asked: datetime
    answered: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    reason: str | None = None
    told: datetime | None = None
    reply: int | None = None
    address: str | None = None
    etag: str | None = None
    modified: str | None = None


def put_ask(connection: Connection, ask: Ask) -> None:
    """Keep what came of asking, in place of what was there of the feed."""
    values = {name: getattr(ask, name) for name in Ask.__slots__}
    connection.execute(insert(ASKS).values(values).on_conflict_do_update(index_elements=["feed"], set_=values))


def find_ask(connection: Connection, feed: str) -> Ask | None:
    """What came of asking the feed, or None where it never was."""
    row = connection.execute(select(ASKS).where(ASKS.c.feed == feed)).one_or_none()
    return None if row is None else Ask(*row)


def list_asks(connection: Connection) -> dict[str, Ask]:
    """What came of asking each feed that was ever asked."""
    return {row.feed: Ask(*row) for row in connection.execute(select(ASKS))}


def count_call(connection: Connection, budget: str, start: datetime) -> None:
    """Count one more call in the stretch of time that begins at `start`."""
    one = insert(CALLS).values(budget=budget, start=start, calls=1)
    more = {"calls": CALLS.c.calls + 1}
    connection.execute(one.on_conflict_do_update(index_elements=["budget", "start"], set_=more))


def list_calls(connection: Connection, budget: str, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """The stretches that began in `[start, end)` and their calls, oldest first."""
    statement = select(CALLS.c.start, CALLS.c.calls).where(
        CALLS.c.budget == budget, CALLS.c.start >= start, CALLS.c.start < end
    )
    return [(row.start, row.calls) for row in connection.execute(statement.order_by(CALLS.c.start))]


def forget_calls(connection: Connection, budget: str, before: datetime) -> None:
    """Drop the stretches that began before a time and count no longer."""
    connection.execute(delete(CALLS).where(CALLS.c.budget == budget, CALLS.c.start < before))
