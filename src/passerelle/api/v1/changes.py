"""`/api/v1/changes`: what was done in the city, newest first, each with what came of it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy import Connection

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import (
    Cursor,
    Limit,
    SearchText,
    SectorName,
    TimeText,
    check_choice,
    check_sector,
    read_span,
)
from passerelle.api.sessions import check_may_study
from passerelle.api.trust import StudyTrustOut, read_study_trust
from passerelle.api.v1.findings import VERDICTS, FindingSummary
from passerelle.api.v1.places import AreaName
from passerelle.model.interval import format_time
from passerelle.registry.changes import UNSTUDIED, get_change, list_changes, read_drawn
from passerelle.registry.findings import latest_finding_of
from passerelle.registry.places import read_centres
from passerelle.studies.bundle.release import may_release
from passerelle.studies.declared.change import Change
from passerelle.studies.declared.declaring import list_sealed, read_sealed, register_changes

_JUDGED = (*VERDICTS, UNSTUDIED)
VerdictName = Annotated[
    str | None,
    QueryParameter(schema_extra={"enum": list(_JUDGED)}, description=f"Of the newest finding; {UNSTUDIED}: none."),
]


class Where(msgspec.Struct, frozen=True):
    """Where a change was made: a name, its geometry (GeoJSON) and the places it touched.

    `centres` are longitude and latitude of those places that have a position, in their order.
    """

    name: dict[str, str]
    geometry: dict[str, Any] | None = None
    places: list[str] = []
    centres: list[tuple[float, float]] = []


class Link(msgspec.Struct, frozen=True):
    """A document that says the change was made."""

    title: str
    url: str


class CostOut(msgspec.Struct, frozen=True):
    """What a change cost, by whom that is said; `currency` is an ISO 4217 code."""

    amount: float
    currency: str
    source: Link


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: dict[str, str]
    what: dict[str, str]
    where: Where
    start: str
    end: str | None = None
    by: str
    sector: str
    links: list[Link] = []
    ramp: str | None = None
    cost: CostOut | None = None


class ChangeOut(_Change, frozen=True, kw_only=True):
    """A change, and the summary of its latest finding, null while there is none.

    `trust` is the light, by what is known now, of the series that the finding used, in the windows it compared; the
    finding's own is what was known when it was computed.
    """

    finding: FindingSummary | None = None
    trust: StudyTrustOut | None = None


class ChangeWhole(_Change, frozen=True, kw_only=True):
    """A change with its latest finding as `/findings/{id}` says it, and its study, else the first one declared."""

    study: dict[str, Any] | None = None
    finding: dict[str, Any] | None = None
    trust: StudyTrustOut | None = None


def _show(node: Node, connection: Connection, document: dict[str, Any]) -> ChangeOut:
    finding = _find_latest(node, connection, document["id"])
    trust = msgspec.to_builtins(read_study_trust(connection, finding))
    found = {**document, "where": _locate(connection, document["where"]), "finding": finding, "trust": trust}
    return msgspec.convert(found, ChangeOut)


def _locate(connection: Connection, where: dict[str, Any]) -> dict[str, Any]:
    return {**where, "centres": read_centres(connection, where["places"])}


def _find_latest(node: Node, connection: Connection, change_id: str) -> dict[str, Any] | None:
    """The change's latest finding, unless its feed's licence has come to keep it here."""
    finding = latest_finding_of(connection, change_id)
    return finding if finding is not None and may_release(node.archive, finding) else None


@get("/changes", tags=["changes"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    sector: SectorName = None,
    verdict: VerdictName = None,
    area: AreaName = None,
    start: TimeText = None,
    end: TimeText = None,
    q: SearchText = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ChangeOut]:
    """The city's changes, the latest start first.

    Those of an area were made at a place in it, in a shape that meets it, or in all of the city. Those of a time were
    in force between `start` and `end`.
    """
    begin, stop = read_span(start, end)
    with node.archive.engine.connect() as connection:
        found = list_changes(
            connection,
            sector=check_sector(sector),
            verdict=verdict and check_choice("verdict", verdict, _JUDGED),
            area=area,
            drawn=node.archive.area_index.find_drawn(area, read_drawn(connection)) if area else (),
            start=None if begin is None else format_time(begin),
            end=None if stop is None else format_time(stop),
            q=q,
            limit=limit + 1,
            after=read_cursor(cursor, str),
        )
        page, following = cut_page(found, limit, lambda document: document["id"])
        return Page([_show(node, connection, document) for document in page], following)


@get("/changes/{change_id:str}", tags=["changes"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], change_id: FromPath[str]) -> ChangeWhole:
    """One change, its studies and its latest finding."""
    with node.archive.engine.connect() as connection:
        document = get_change(connection, change_id)
        finding = _find_latest(node, connection, change_id)
        study = (
            read_sealed(connection, finding["study"])
            if finding
            else next(iter(list_sealed(connection, change=change_id, limit=1)), None)
        )
        trust = read_study_trust(connection, finding)
        where = _locate(connection, document["where"])
    found = {**document, "where": where, "finding": finding, "study": study, "trust": msgspec.to_builtins(trust)}
    return msgspec.convert(found, ChangeWhole)


class ChangeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change without a study, as a file of `cities/<city>/changes/` holds it."""

    change: Change


@post("/changes", tags=["changes"], sync_to_thread=True)
def declare_one(request: Request[Any, Any, Any], node: NamedDependency[Node], data: JSONBody[ChangeIn]) -> ChangeOut:
    """Declare a change that nobody studies; studies of others on the same places are held against it.

    By the officer who is signed in, or a token of scope `studies` or `officer`.
    """
    check_may_study(node.tokens, node.sessions, request.headers)
    register_changes(node.archive, [data.change])
    with node.archive.engine.connect() as connection:
        return _show(node, connection, get_change(connection, data.change.id))
