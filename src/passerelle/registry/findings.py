"""Findings: results of studies as JSON documents, each with the bundle that lets anyone check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
)

from passerelle.model.errors import UnknownNameError
from passerelle.registry.schema import METADATA

FINDINGS = Table(
    "findings",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("change", String, nullable=False),
    Column("study", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("document", JSON, nullable=False),
    UniqueConstraint("id"),
    Index(None, "change", "number"),
    Index(None, "verdict", "number"),
    sqlite_autoincrement=True,
)

BUNDLES = Table(
    "bundles",
    METADATA,
    Column("finding", String, ForeignKey("findings.id"), primary_key=True),
    Column("bundle", LargeBinary, nullable=False),
)


def put_finding(connection: Connection, document: Mapping[str, Any], bundle: bytes) -> None:
    """Keep a new finding with its bundle; `id`, `change`, `study` and `verdict` are read from it."""
    columns = {name: document[name] for name in ("id", "change", "study", "verdict")}
    connection.execute(insert(FINDINGS).values(**columns, document=dict(document)))
    connection.execute(insert(BUNDLES).values(finding=document["id"], bundle=bundle))


def get_finding(connection: Connection, finding_id: str) -> dict[str, Any]:
    """The finding's document; `UnknownNameError` where there is none."""
    statement = select(FINDINGS.c.document).where(FINDINGS.c.id == finding_id)
    document = connection.execute(statement).scalar_one_or_none()
    if document is None:
        raise UnknownNameError("finding", finding_id, where="finding")
    return dict(document)


def get_bundle(connection: Connection, finding_id: str) -> bytes:
    """The finding's bundle; `UnknownNameError` where there is no such finding."""
    statement = select(BUNDLES.c.bundle).where(BUNDLES.c.finding == finding_id)
    bundle = connection.execute(statement).scalar_one_or_none()
    if bundle is None:
        raise UnknownNameError("finding", finding_id, where="finding")
    return bytes(bundle)


def list_findings(
    connection: Connection,
    *,
    change: str | None = None,
    study: str | None = None,
    verdict: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """Findings, newest first, those after the finding of id `after`."""
    statement = select(FINDINGS.c.document).order_by(FINDINGS.c.number.desc()).limit(limit)
    if after is not None:
        number = select(FINDINGS.c.number).where(FINDINGS.c.id == after).scalar_subquery()
        statement = statement.where(FINDINGS.c.number < number)
    equal = {FINDINGS.c.change: change, FINDINGS.c.study: study, FINDINGS.c.verdict: verdict}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    return [dict(document) for document in connection.execute(statement).scalars()]


def latest_finding_of(connection: Connection, change_id: str) -> dict[str, Any] | None:
    """The newest finding on the change, or None while it has none."""
    found = list_findings(connection, change=change_id, limit=1)
    return found[0] if found else None


def count_findings(connection: Connection) -> int:
    """How many findings there are."""
    return connection.execute(select(func.count()).select_from(FINDINGS)).scalar_one()
