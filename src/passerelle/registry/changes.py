"""Changes made in the city: where, when, what, by whom; a JSON document each, and what lists filter on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    String,
    Table,
    and_,
    column,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.errors import StudyError, UnknownNameError
from passerelle.registry.findings import FINDINGS
from passerelle.registry.fold import fold
from passerelle.registry.places import PLACES, in_area
from passerelle.registry.schema import METADATA

CHANGES = Table(
    "changes",
    METADATA,
    Column("id", String, primary_key=True),
    Column("sector", String, nullable=False),
    Column("start", String, nullable=False),
    Column("folded", String, nullable=False),
    Column("document", JSON, nullable=False),
    Index(None, "start", "id"),
)


UNSTUDIED = "unstudied"
"""Stands for a verdict where a change has no finding."""


def put_change(connection: Connection, document: Mapping[str, Any]) -> None:
    """Keep the change, of which `id`, `sector`, `start` and `title` are read; `StudyError` where its id is another's.

    A finding is of the change as it was declared with the study, which a later declaration must not rewrite.
    """
    values = {
        "id": document["id"],
        "sector": document["sector"],
        "start": document["start"],
        "folded": fold(" ".join([document["id"], *document["title"].values()])),
        "document": dict(document),
    }
    connection.execute(insert(CHANGES).values(values).on_conflict_do_nothing())
    stored = get_change(connection, document["id"])
    if stored != dict(document):
        other = ", ".join(
            sorted(key for key in stored.keys() | document.keys() if stored.get(key) != document.get(key))
        )
        raise StudyError(
            f"change {document['id']!r} was declared before with another {other}; declare this one under another id",
            where="change",
        )


def get_change(connection: Connection, change_id: str) -> dict[str, Any]:
    """The change's document; `UnknownNameError` where there is none."""
    document = connection.execute(select(CHANGES.c.document).where(CHANGES.c.id == change_id)).scalar_one_or_none()
    if document is None:
        raise UnknownNameError("change", change_id, where="change")
    return dict(document)


def list_changes(
    connection: Connection,
    *,
    sector: str | None = None,
    verdict: str | None = None,
    area: str | None = None,
    drawn: Collection[str] = (),
    start: str | None = None,
    end: str | None = None,
    q: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """Changes, the latest start first, those after the change of id `after`; `q` holds words of the title.

    `verdict` is that of the newest finding, or `UNSTUDIED`. A change is of an `area`, a code or `division:code`, where
    one of its places lies in it, where it was made in all of the city, or where its id is among those `drawn` there.
    It was in force in [`start`, `end`), UTC as documents write it, if it began before the end and ended after the
    start.
    """
    statement = select(CHANGES.c.document).order_by(CHANGES.c.start.desc(), CHANGES.c.id).limit(limit)
    if after is not None:
        last = select(CHANGES.c.start).where(CHANGES.c.id == after).scalar_subquery()
        statement = statement.where(or_(CHANGES.c.start < last, and_(CHANGES.c.start == last, CHANGES.c.id > after)))
    if sector is not None:
        statement = statement.where(CHANGES.c.sector == sector)
    if verdict is not None:
        statement = statement.where(func.coalesce(_newest_verdict(), UNSTUDIED) == verdict)
    if area is not None:
        statement = statement.where(or_(_touches(area), CHANGES.c.id.in_(drawn)))
    if end is not None:
        statement = statement.where(CHANGES.c.start < end)
    if start is not None:
        until = CHANGES.c.document["end"].as_string()
        statement = statement.where(or_(until.is_(None), until > start))
    for word in fold(q or "").split():
        statement = statement.where(CHANGES.c.folded.contains(word, autoescape=True))
    return [dict(document) for document in connection.execute(statement).scalars()]


def read_drawn(connection: Connection) -> dict[str, dict[str, Any]]:
    """The GeoJSON geometry of each change that has one, by the change's id."""
    where = CHANGES.c.document["where"]["geometry"]
    statement = select(CHANGES.c.id, CHANGES.c.document).where(where.as_string().is_not(None))
    return {row.id: row.document["where"]["geometry"] for row in connection.execute(statement)}


def _newest_verdict() -> ColumnElement[str]:
    newest = FINDINGS.alias()
    return (
        select(newest.c.verdict)
        .where(newest.c.change == CHANGES.c.id)
        .order_by(newest.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )


def _touches(area: str) -> ColumnElement[bool]:
    """The condition that a change was made at a place in `area`, or in all of the city."""
    where = CHANGES.c.document["where"]
    named = func.json_each(CHANGES.c.document, "$.where.places").table_valued(column("value", String), name="named")
    inside = select(PLACES.c.id).join(named, PLACES.c.id == named.c.value).where(in_area(area)).exists()
    nowhere = and_(where["geometry"].as_string().is_(None), func.json_array_length(where["places"]) == 0)
    return or_(nowhere, inside)


def count_changes(connection: Connection) -> int:
    """How many changes there are."""
    return connection.execute(select(func.count()).select_from(CHANGES)).scalar_one()
