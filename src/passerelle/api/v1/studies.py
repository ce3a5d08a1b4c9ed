"""`/api/v1/studies`: declared ways to judge a change."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit
from passerelle.api.problem import RequestError
from passerelle.studies.declared.declaring import list_sealed, read_sealed
from passerelle.studies.run import run_study

_running = threading.Lock()
"""Studies run one at a time: each takes a core for some seconds."""


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


@post("/studies/{study_id:str}/run", tags=["studies"], status_code=200, sync_to_thread=True)
def run_one(node: NamedDependency[Node], study_id: FromPath[str]) -> dict[str, Any]:
    """The finding, computed anew from the archive.

    Anyone may ask: the answer follows from the declaration and the data, and while neither changes it is the finding
    that is stored.
    """
    if not _running.acquire(blocking=False):
        raise RequestError("busy", "another study is running; they run one at a time")
    try:
        return run_study(node.archive, study_id)
    finally:
        _running.release()
