"""`/api/v1/findings`: the results of studies, each with the bundle that lets anyone check it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit, check_choice
from passerelle.model.errors import UnknownNameError
from passerelle.registry.changes import get_change
from passerelle.registry.findings import get_finding, list_findings
from passerelle.studies.bundle.bundle import unpack_bundle
from passerelle.studies.bundle.release import check_release, may_release, release_bundle
from passerelle.studies.told.citation import write_bibtex

_FILE_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "svg": "image/svg+xml",
}
VERDICTS = ("worked", "harmed", "rose", "fell", "no_effect_shown", "cannot_tell_yet")


class Effect(msgspec.Struct, frozen=True):
    """An effect with its interval; `scale` says whether the three are percent or in `unit`, `level` the confidence.

    An end of the interval that nothing bounds is null.
    """

    value: float
    low: float | None
    high: float | None
    level: float
    unit: dict[str, str]
    scale: str


class CutOut(msgspec.Struct, frozen=True):
    """The light of a finding's windows when it was computed, and the share that was red and cut out.

    A finding from before trust was measured has none.
    """

    light: str
    red_share: float


class FindingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A finding in a row of the list: the verdict, the effect and the sentence that says what it was compared with."""

    id: str
    change: str
    study: str
    outcome: dict[str, str]
    verdict: str
    blocked_by: list[Any]
    effect: Effect | None
    smallest_effect: Any
    wanted: str
    sentence: dict[str, str]
    computed_at: datetime
    retrospective: bool
    trust: CutOut | None = None


class CheckOut(msgspec.Struct, frozen=True):
    """A check that could have refuted the finding: passed, failed or not applicable."""

    name: str
    title: dict[str, str]
    outcome: str
    detail: dict[str, str]


class EventOut(msgspec.Struct, frozen=True):
    """The effect so many times after the change began, before it where negative."""

    since: float
    value: float | None
    low: float | None
    high: float | None


class AlternativeOut(msgspec.Struct, frozen=True):
    """Another declared method's effect, or why it has none; it is shown, and decides nothing."""

    method: dict[str, Any]
    effect: Effect | None
    estimate: dict[str, Any] | None
    refused: str | None


class WeightOut(msgspec.Struct, frozen=True):
    """A comparison place and how much it counts."""

    place: str
    name: str
    weight: float


class InterferingOut(msgspec.Struct, frozen=True):
    """Another change in force meanwhile; `places` are those of the study it touched, null for all of the city."""

    id: str
    title: dict[str, str]
    start: str
    end: str | None
    geometry: dict[str, Any] | None
    places: list[str] | None


class BundleFile(msgspec.Struct, frozen=True):
    """A file of a finding's bundle, and its size."""

    name: str
    bytes: int


class FindingOut(FindingSummary, frozen=True, kw_only=True):
    """A finding in full: how it was reached, from which observations, and the city's signature."""

    comparison: dict[str, str]
    method: dict[str, Any] | None
    reasons: list[dict[str, Any]]
    assumptions: list[dict[str, Any]]
    checks: list[CheckOut]
    placebos: list[dict[str, Any]]
    estimate: dict[str, Any] | None
    chart: dict[str, Any]
    data: list[dict[str, Any]]
    units: dict[str, str]
    n: Any
    declaration: Any
    versions: dict[str, Any]
    signature: Any
    design: str = "parts"
    choice: dict[str, Any] | None = None
    inference: dict[str, Any] | None = None
    events: list[EventOut] = []
    alternatives: list[AlternativeOut] = []
    weights: list[WeightOut] = []
    places: dict[str, list[dict[str, Any]]] | None = None
    episodes: list[dict[str, Any]] = []
    definitions: dict[str, dict[str, str]] | None = None
    interfering: list[InterferingOut] = []


@get("/findings", tags=["findings"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    change: Annotated[str | None, QueryParameter(max_length=200)] = None,
    study: Annotated[str | None, QueryParameter(max_length=200)] = None,
    verdict: Annotated[str | None, QueryParameter(schema_extra={"enum": list(VERDICTS)})] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[FindingSummary]:
    """Findings, newest first; those whose feed's licence has come to keep them here are left out."""
    if verdict is not None:
        check_choice("verdict", verdict, VERDICTS)
    with node.archive.engine.connect() as connection:
        found = list_findings(
            connection,
            change=change,
            study=study,
            verdict=verdict,
            limit=limit + 1,
            after=read_cursor(cursor, str),
        )
    page, following = cut_page(found, limit, lambda document: document["id"])
    released = (document for document in page if may_release(node.archive, document))
    return Page([msgspec.convert(document, FindingSummary) for document in released], following)


@get(
    "/findings/{finding_id:str}",
    tags=["findings"],
    sync_to_thread=True,
    responses={200: ResponseSpec(FindingOut, generate_examples=False)},
)
def read_one(node: NamedDependency[Node], finding_id: FromPath[str]) -> Response[dict[str, Any]]:
    """One finding in full, as it was signed: not a field more or less."""
    with node.archive.engine.connect() as connection:
        finding = get_finding(connection, finding_id)
    check_release(node.archive, finding)
    return Response(finding)


@get("/findings/{finding_id:str}/bundle", tags=["findings"], media_type="application/zip", sync_to_thread=True)
def read_bundle(node: NamedDependency[Node], finding_id: FromPath[str]) -> Response[bytes]:
    """All that is needed to check the finding, as a ZIP file; the rows are in it only if they may leave today."""
    bundle = release_bundle(node.archive, finding_id)
    headers = {"content-disposition": f'attachment; filename="{finding_id}.zip"'}
    return Response(bundle, media_type="application/zip", headers=headers)


@get("/findings/{finding_id:str}/files", tags=["findings"], sync_to_thread=True)
def list_files(node: NamedDependency[Node], finding_id: FromPath[str]) -> Page[BundleFile]:
    """The files of the bundle by name; rows that may not leave aren't among them."""
    files = unpack_bundle(release_bundle(node.archive, finding_id))
    return Page([BundleFile(name, len(files[name])) for name in sorted(files)], None)


@get("/findings/{finding_id:str}/files/{name:path}", tags=["findings"], sync_to_thread=True)
def read_file(node: NamedDependency[Node], finding_id: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file of the bundle, such as `plots/path.en.svg` or `rows.csv`; what may not leave isn't in the bundle.

    A `.svg` is a picture to show, all else comes as a file to keep.
    """
    files = unpack_bundle(release_bundle(node.archive, finding_id))
    wanted = name.removeprefix("/")
    if wanted not in files:
        raise UnknownNameError("file of the bundle", wanted, where="name", known=sorted(files))
    suffix = wanted.rpartition(".")[2]
    shown = "inline" if suffix == "svg" else "attachment"
    headers = {"content-disposition": f'{shown}; filename="{finding_id}-{wanted.replace("/", "-")}"'}
    return Response(files[wanted], media_type=_FILE_TYPES[suffix], headers=headers)


@get("/findings/{finding_id:str}/citation", tags=["findings"], media_type="application/x-bibtex", sync_to_thread=True)
def read_citation(
    request: Request[Any, Any, Any], node: NamedDependency[Node], finding_id: FromPath[str]
) -> Response[str]:
    """The finding as a BibTeX entry, with the address of its case file at this node."""
    with node.archive.engine.connect() as connection:
        finding = get_finding(connection, finding_id)
        change = get_change(connection, finding["change"])
    check_release(node.archive, finding)
    entry = write_bibtex(finding, change, city=node.archive.city.name, site=str(request.base_url).rstrip("/"))
    headers = {"content-disposition": f'attachment; filename="{finding_id}.bib"'}
    return Response(entry, media_type="application/x-bibtex; charset=utf-8", headers=headers)
