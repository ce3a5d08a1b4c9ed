"""What replies were like, as the checks of a feed see them: their names, their faults, and the places they spoke of.

Read from the bytes once, since a feed asked each minute has half a million replies a year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Connection, ForeignKey, Index, Integer, String, Table, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.place import Place
from passerelle.registry.schema import METADATA, Moment

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("reply", Integer, primary_key=True, autoincrement=False),
    Column("feed", String, nullable=False),
    Column("names", String, ForeignKey("delivered_names.digest"), nullable=False),
    Column("document", JSON, nullable=False),
    Index(None, "feed", "reply"),
)

DELIVERED_NAMES = Table(
    "delivered_names", METADATA, Column("digest", String, primary_key=True), Column("names", JSON, nullable=False)
)
"""The names a reply had; nearly all replies of a feed have the same."""

SITES = Table(
    "sites",
    METADATA,
    Column("feed", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("first", Moment, nullable=False),
    Column("last", Moment, nullable=False),
    Column("document", JSON, nullable=False),
)
"""A place as a feed described it; one that was described otherwise later has another row."""


@dataclass(frozen=True, slots=True)
class StoredSite:
    """A place as a feed described it in the replies received from `first` to `last`."""

    place: Place
    first: datetime
    last: datetime


def put_delivery(
    connection: Connection, feed: str, reply: int, names: Sequence[str], document: Mapping[str, Any]
) -> None:
    """Keep what a reply was like, so that its bytes needn't be read again."""
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    connection.execute(insert(DELIVERED_NAMES).values(digest=digest, names=list(names)).on_conflict_do_nothing())
    values = {"reply": reply, "feed": feed, "names": digest, "document": dict(document)}
    kept = insert(DELIVERIES).values(values)
    connection.execute(kept.on_conflict_do_update(index_elements=["reply"], set_=values))


def list_deliveries(connection: Connection, feed: str, limit: int) -> dict[int, tuple[list[str], dict[str, Any]]]:
    """Names and document of the feed's newest replies of which they are kept, by the reply's number, oldest first."""
    statement = select(DELIVERIES.c.reply, DELIVERED_NAMES.c.names, DELIVERIES.c.document)
    statement = statement.join(DELIVERED_NAMES, DELIVERED_NAMES.c.digest == DELIVERIES.c.names)
    newest = statement.where(DELIVERIES.c.feed == feed).order_by(DELIVERIES.c.reply.desc()).limit(limit)
    return {reply: (names, document) for reply, names, document in reversed(list(connection.execute(newest)))}


def put_sites(connection: Connection, feed: str, places: Iterable[Place], received: datetime) -> None:
    """Note that a reply described `places` so when it was received."""
    columns = {(place.id, _digest(place)): place for place in places}
    known = {(row.place, row.digest) for row in connection.execute(select(SITES).where(SITES.c.feed == feed))}
    new = [
        {"feed": feed, "place": name, "digest": digest, "first": received, "last": received, "document": _write(place)}
        for (name, digest), place in columns.items()
        if (name, digest) not in known
    ]
    if new:
        connection.execute(insert(SITES), new)
    again = [{"b_place": name, "b_digest": digest} for name, digest in columns.keys() & known]
    if again:
        same = (SITES.c.feed == feed, SITES.c.place == bindparam("b_place"), SITES.c.digest == bindparam("b_digest"))
        connection.execute(update(SITES).where(*same, SITES.c.last < received).values(last=received), again)
        connection.execute(update(SITES).where(*same, SITES.c.first > received).values(first=received), again)


def list_sites(connection: Connection, feed: str) -> list[StoredSite]:
    """The feed's places as it described them, by place and time."""
    statement = select(SITES).where(SITES.c.feed == feed).order_by(SITES.c.place, SITES.c.first)
    return [StoredSite(Place(row.place, **row.document), row.first, row.last) for row in connection.execute(statement)]


def _write(place: Place) -> dict[str, Any]:
    return {"kind": place.kind, "name": place.name, "geometry": place.geometry}


def _digest(place: Place) -> str:
    return hashlib.sha256(msgspec.json.encode(_write(place))).hexdigest()[:32]
