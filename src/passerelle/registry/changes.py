"""Changes made in the city: where, when, what, by whom; a JSON document each, and what lists filter on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column, Connection, Index, String, Table, and_, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.errors import StudyError, UnknownNameError
from passerelle.registry.fold import fold
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
    q: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """Changes, the latest start first, those after the change of id `after`; `q` holds words of the title."""
    statement = select(CHANGES.c.document).order_by(CHANGES.c.start.desc(), CHANGES.c.id).limit(limit)
    if after is not None:
        start = select(CHANGES.c.start).where(CHANGES.c.id == after).scalar_subquery()
        statement = statement.where(or_(CHANGES.c.start < start, and_(CHANGES.c.start == start, CHANGES.c.id > after)))
    if sector is not None:
        statement = statement.where(CHANGES.c.sector == sector)
    for word in fold(q or "").split():
        statement = statement.where(CHANGES.c.folded.contains(word, autoescape=True))
    return [dict(document) for document in connection.execute(statement).scalars()]


def count_changes(connection: Connection) -> int:
    """How many changes there are."""
    return connection.execute(select(func.count()).select_from(CHANGES)).scalar_one()
