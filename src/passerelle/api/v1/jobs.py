"""`/api/v1/jobs`: what an officer may have the node do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from passerelle.api.cursors import Page
from passerelle.api.jobs import JOBS, get_job, run_job
from passerelle.api.node import Node
from passerelle.api.problem import RequestError
from passerelle.api.working import NDJSON, report


class JobOut(msgspec.Struct, frozen=True):
    """A job and its arguments, as JSON Schema."""

    name: str
    summary: str
    arguments: dict[str, Any]


@get("/jobs", tags=["jobs"], sync_to_thread=False)
def list_all() -> Page[JobOut]:
    """Every job."""
    return Page([JobOut(job.name, job.summary, msgspec.json.schema(job.arguments)) for job in JOBS.values()], None)


@post("/jobs/{name:str}", tags=["jobs"], status_code=200, media_type=NDJSON)
async def run_one(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    workers: NamedDependency[ThreadPoolExecutor],
    name: FromPath[str],
) -> Stream:
    """Do a job, for officers. Lines of JSON: `{"done", "total"}` as it goes, last `{"result"}` or `{"problem"}`.

    Two long jobs run at once; the next ones wait for them.
    """
    authorization = request.headers.get("authorization")
    await sync_to_thread(node.tokens.check_officer, authorization)
    pool = None if get_job(name).quick else workers
    body = await request.body()
    try:
        arguments = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as error:
        raise RequestError("unreadable", f"the body is not JSON: {error}") from error
    lines = report(pool, name, lambda progress: run_job(node, name, arguments, progress), request.scope["path"])
    return Stream(lines, media_type=NDJSON)
