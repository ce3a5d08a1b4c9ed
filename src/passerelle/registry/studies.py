"""Studies: declared ways to judge a change, kept as they were declared, and each later amendment beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column, Connection, ForeignKey, Index, Integer, String, Table, select
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.registry.schema import METADATA

STUDIES = Table(
    "studies",
    METADATA,
    Column("id", String, primary_key=True),
    Column("change", String, nullable=False),
    Column("document", JSON, nullable=False),
    Index(None, "change", "id"),
)

AMENDMENTS = Table(
    "study_amendments",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("study", String, ForeignKey("studies.id"), nullable=False),
    Column("document", JSON, nullable=False),
    Index(None, "study", "number"),
    sqlite_autoincrement=True,
)
"""An amendment's document holds the new declaration with its time, hash and reason; none is ever changed or dropped."""


def put_study(connection: Connection, document: Mapping[str, Any]) -> None:
    """Keep the study; `InvalidValueError` where its id stands for another declaration: one declared is never edited."""
    values = {"id": document["id"], "change": document["change"], "document": dict(document)}
    connection.execute(insert(STUDIES).values(values).on_conflict_do_nothing())
    if get_study(connection, document["id"]) != dict(document):
        raise InvalidValueError(
            f"study {document['id']!r} was declared before in other words; amend it with a reason, or declare this one "
            "under another id",
            where="id",
        )


def get_study(connection: Connection, study_id: str) -> dict[str, Any]:
    """The study's document; `UnknownNameError` where there is none."""
    document = connection.execute(select(STUDIES.c.document).where(STUDIES.c.id == study_id)).scalar_one_or_none()
    if document is None:
        raise UnknownNameError("study", study_id, where="study")
    return dict(document)


def list_studies(
    connection: Connection, *, change: str | None = None, limit: int = 100, after: str | None = None
) -> list[dict[str, Any]]:
    """Studies by id, those after the id `after`."""
    statement = select(STUDIES.c.document).order_by(STUDIES.c.id).limit(limit)
    if after is not None:
        statement = statement.where(STUDIES.c.id > after)
    if change is not None:
        statement = statement.where(STUDIES.c.change == change)
    return [dict(document) for document in connection.execute(statement).scalars()]


def put_amendment(connection: Connection, study_id: str, document: Mapping[str, Any]) -> None:
    """Keep another amendment of the study beside what was declared before."""
    connection.execute(insert_into(AMENDMENTS).values(study=study_id, document=dict(document)))


def list_amendments(connection: Connection, study_id: str) -> list[dict[str, Any]]:
    """The study's amendments, the first first."""
    statement = select(AMENDMENTS.c.document).where(AMENDMENTS.c.study == study_id).order_by(AMENDMENTS.c.number)
    return [dict(document) for document in connection.execute(statement).scalars()]
