"""`/api/v1/studies`: declared ways to judge a change."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.declarations import DeclarationIn, read_body, refuse
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit
from passerelle.api.sessions import check_may_study
from passerelle.api.working import NDJSON, Progress, one_at_a_time, report
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.studies.declared.declaring import declare, list_sealed, read_sealed
from passerelle.studies.run import run_study

_running = threading.Lock()
"""Studies run one at a time: each takes a core for some seconds."""

_RUN = {200: ResponseSpec(dict[str, Any], generate_examples=False)}


@get("/studies", tags=["studies"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    change: Annotated[str | None, QueryParameter(max_length=200)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[dict[str, Any]]:
    """Studies by id, each as it is in force, with its amendments where it was amended."""
    with node.archive.engine.connect() as connection:
        found = list_sealed(connection, change=change, limit=limit + 1, after=read_cursor(cursor, str))
    page, following = cut_page(found, limit, lambda document: document["id"])
    return Page(list(page), following)


@get("/studies/{study_id:str}", tags=["studies"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], study_id: FromPath[str]) -> dict[str, Any]:
    """One study as it is in force; `amendments` tells what was declared before, when it was replaced, and why."""
    with node.archive.engine.connect() as connection:
        return read_sealed(connection, study_id)


@post("/studies", tags=["studies"], sync_to_thread=True)
def declare_one(
    request: Request[Any, Any, Any], node: NamedDependency[Node], data: JSONBody[DeclarationIn]
) -> dict[str, Any]:
    """Declare a change and its study, as `passerelle study declare` does; the sealed study.

    By the officer who is signed in, or a token of scope `studies` or `officer`.
    """
    check_may_study(node.tokens, node.sessions, request.headers)
    declaration = read_body(data)
    try:
        return declare(node.archive, declaration)
    except (InvalidValueError, UnknownNameError) as error:
        raise refuse(error) from error


@post("/studies/{study_id:str}/run", tags=["studies"], status_code=200, responses=_RUN)
async def run_one(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    workers: NamedDependency[ThreadPoolExecutor],
    study_id: FromPath[str],
) -> Response[Any]:
    """The finding, computed anew from the archive; with `Accept: application/x-ndjson` lines of its progress before.

    Anyone may ask: the answer follows from the declaration and the data, and while neither changes it is the finding
    that is stored.
    """

    def work(progress: Progress | None) -> dict[str, Any]:
        with one_at_a_time(_running, "another study is running; they run one at a time"):
            return run_study(node.archive, study_id, progress)

    if NDJSON in request.headers.get("accept", ""):
        return Stream(report(workers, "run-study", work, request.scope["path"]), media_type=NDJSON)
    return Response(await sync_to_thread(work, None))
