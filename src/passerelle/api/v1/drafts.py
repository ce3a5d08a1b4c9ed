"""`/api/v1/drafts`: what a study could be, before it is declared. Nothing of a draft is kept here; anyone may ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream

from passerelle.api.cursors import Page
from passerelle.api.declarations import DeclarationIn, read_body, refuse
from passerelle.api.node import Node
from passerelle.api.working import NDJSON, Progress, one_at_a_time, report_wanted
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.studies.drafted.draft import Draft, Pooled, Sought
from passerelle.studies.drafted.outcomes import list_outcomes
from passerelle.studies.drafted.pool import list_pool, tell_candidate
from passerelle.studies.drafted.proposal import propose
from passerelle.studies.pilot import foresee

MOST_STUDIES = 500
MOST_SECONDS = 120.0
"""What one who isn't signed in may have computed; the job `study-power` has no such bound."""

_foreseeing = threading.Lock()
"""Power is told one at a time: it takes a core for as long as it lasts."""


class Reason(msgspec.Struct, frozen=True):
    """Why, as a code and in words."""

    code: str
    text: dict[str, str]


class OutcomeOut(msgspec.Struct, frozen=True):
    """An outcome at the places of a change: `places` are those that have it, `others` counts the places elsewhere.

    From `first` to `last` all of `places` have values, of which `share` is there at the worst of them. `light` is that
    of the time before the change, null until it was judged. `why` says what is held, or why it is not `offered`.
    """

    feed: str
    feed_title: dict[str, str]
    quantity: str
    facet: str
    sector: str
    title: dict[str, str]
    unit: str
    statistic: str
    interval: str
    places: list[str]
    others: int
    first: date | None
    last: date | None
    days_before: int
    share: float
    light: str | None
    offered: bool
    why: dict[str, str]


class CandidateOut(msgspec.Struct, frozen=True):
    """A place that could be compared with: how many metres from the change, what is held, whether it is proposed."""

    place: str
    name: str
    series: str
    centre: tuple[float, float] | None
    distance: float | None
    first: date | None
    last: date | None
    share: float
    light: str | None
    proposed: bool
    why: Reason


class ComparisonOut(msgspec.Struct, frozen=True):
    """The candidates, those proposed first, and the first day of the window before."""

    before: date
    items: list[CandidateOut]


class DefaultOut(msgspec.Struct, frozen=True):
    """Something that nobody chose: what it is, and why."""

    key: str
    value: str | float
    text: dict[str, str]


class ProposalOut(msgspec.Struct, frozen=True):
    """A whole declaration, as JSON and as the file that `passerelle study declare` reads; its hash once declared."""

    declaration: dict[str, Any]
    toml: str
    hash: str
    reasons: list[DefaultOut]
    comparison: list[CandidateOut]


class Trial(DeclarationIn, frozen=True, forbid_unknown_fields=True):
    """A declaration, how many placebo studies are made on the history, and whether to say what would settle it."""

    studies: Annotated[int, msgspec.Meta(ge=20, le=MOST_STUDIES)] = 40
    settle: bool = True


@post("/drafts/outcomes", tags=["drafts"], status_code=200, sync_to_thread=True)
def list_outcomes_at(node: NamedDependency[Node], data: JSONBody[Sought]) -> Page[OutcomeOut]:
    """What is measured at the places of a change, those with enough history and a light first."""
    try:
        found = list_outcomes(node.archive, data, node.coverage.read_some)
    except UnknownNameError as error:
        raise refuse(error) from error
    return Page(msgspec.convert(found, list[OutcomeOut]), None)


@post("/drafts/comparison", tags=["drafts"], status_code=200, sync_to_thread=True)
def list_comparison(node: NamedDependency[Node], data: JSONBody[Pooled]) -> ComparisonOut:
    """Which places an outcome can be compared with, and why not the others."""
    try:
        pool = list_pool(node.archive, data, node.coverage.read_some)
    except UnknownNameError as error:
        raise refuse(error) from error
    items = [tell_candidate(one, data) for one in pool.candidates]
    return ComparisonOut(pool.before, msgspec.convert(items, list[CandidateOut]))


@post("/drafts/proposal", tags=["drafts"], status_code=200, sync_to_thread=True)
def propose_one(node: NamedDependency[Node], data: JSONBody[Draft]) -> ProposalOut:
    """The whole declaration that follows from a few choices, with the reason for everything that wasn't one."""
    try:
        found = propose(node.archive, data, node.coverage.read_some)
    except (InvalidValueError, UnknownNameError) as error:
        raise refuse(error) from error
    return ProposalOut(
        msgspec.to_builtins(found.document),
        found.toml,
        found.declaration.hash,
        msgspec.convert(found.reasons, list[DefaultOut]),
        msgspec.convert(found.pool, list[CandidateOut]),
    )


@post("/drafts/power", tags=["drafts"], status_code=200, media_type=NDJSON)
async def foresee_one(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    workers: NamedDependency[ThreadPoolExecutor],
    data: JSONBody[Trial],
) -> Stream:
    """What a study could show, as `passerelle study power` says it, in lines of JSON as jobs answer.

    One at a time, for two minutes at most, and no longer than somebody waits for it.
    """
    declaration = await sync_to_thread(read_body, data)

    def work(progress: Progress) -> dict[str, Any]:
        with one_at_a_time(_foreseeing, "the power of another study is being told; they are told one at a time"):
            return foresee(node.archive, declaration, data.studies, progress, settle=data.settle)

    lines = report_wanted(workers, "study-power", work, request.scope["path"], MOST_SECONDS)
    return Stream(lines, media_type=NDJSON)
