"""Declares studies in the registry, and amends them: what was declared before stays visible beside what is in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.model.errors import InvalidValueError, StudyError, UnknownNameError
from passerelle.registry.changes import get_change, put_change
from passerelle.registry.database import writing
from passerelle.registry.findings import list_findings
from passerelle.registry.studies import get_study, list_amendments, list_studies, put_amendment, put_study
from passerelle.studies.declared.change import Change
from passerelle.studies.declared.declaration import Declaration, Study, feeds_of, seal


def register_changes(archive: Archive, changes: Iterable[Change]) -> None:
    """Keep changes that nobody studies, so that a study of another on the same places is held against them."""
    with writing(archive.engine) as connection:
        for change in changes:
            put_change(connection, change.document)


def declare(archive: Archive, declaration: Declaration) -> dict[str, Any]:
    """The sealed study, kept with its change; one declared before keeps its first time, other words must amend it."""
    _require_feeds(archive, declaration.study)
    sealed = seal(declaration, datetime.now(UTC))
    with writing(archive.engine) as connection:
        put_change(connection, declaration.change.document)
        try:
            stored = read_sealed(connection, declaration.study.id)
        except UnknownNameError:
            stored = sealed
            put_study(connection, sealed)
        if stored["hash"] != sealed["hash"]:
            # Other words under a stored id are the registry's to refuse.
            put_study(connection, sealed)
    return stored


def amend(archive: Archive, declaration: Declaration, reason: str) -> dict[str, Any]:
    """The study in force once its declaration is replaced, with every amendment.

    An amendment says whether the outcome could be seen when it was made: once its window after had begun, or there was
    a finding. The study is retrospective from then on.
    """
    if not reason.strip():
        raise InvalidValueError("an amendment needs a reason", where="reason")
    _require_feeds(archive, declaration.study)
    study = declaration.study
    with writing(archive.engine) as connection:
        before = read_sealed(connection, study.id)
        if get_change(connection, study.change) != declaration.change.document:
            raise StudyError(
                f"change {study.change!r} was declared in other words; only its study is amended", where="change"
            )
        sealed = seal(declaration, datetime.now(UTC))
        if sealed["hash"] == before["hash"]:
            raise InvalidValueError(f"study {study.id!r} is in force in these words already", where="study")
        put_amendment(
            connection,
            study.id,
            {
                "amended_at": sealed["declared_at"],
                "reason": reason.strip(),
                "data_seen": sealed["retrospective"]
                or before["retrospective"]
                or bool(list_findings(connection, study=study.id, limit=1)),
                "hash": sealed["hash"],
                "declaration": sealed["declaration"],
            },
        )
        return read_sealed(connection, study.id)


def read_sealed(connection: Connection, study_id: str) -> dict[str, Any]:
    """The study as it is in force; `amendments` tells each, with the declaration it replaced, where there are any."""
    return _apply(get_study(connection, study_id), list_amendments(connection, study_id))


def list_sealed(
    connection: Connection, *, change: str | None = None, limit: int = 100, after: str | None = None
) -> list[dict[str, Any]]:
    """Studies as they are in force, by id, those after the id `after`."""
    found = list_studies(connection, change=change, limit=limit, after=after)
    return [_apply(one, list_amendments(connection, one["id"])) for one in found]


def _apply(sealed: dict[str, Any], amendments: list[dict[str, Any]]) -> dict[str, Any]:
    if not amendments:
        return sealed
    told, before = [], sealed
    for one in amendments:
        told.append({**one, "replaced": {"hash": before["hash"], "declaration": before["declaration"]}})
        before = one
    last = amendments[-1]
    return {
        **sealed,
        "method": last["declaration"]["method"],
        "retrospective": sealed["retrospective"] or any(one["data_seen"] for one in amendments),
        "hash": last["hash"],
        "declaration": last["declaration"],
        "amendments": told,
    }


def _require_feeds(archive: Archive, study: Study) -> None:
    for feed in feeds_of(study):
        archive.get_feed(feed)
