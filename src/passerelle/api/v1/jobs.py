"""`/api/v1/jobs`: what an officer may have the node do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog
from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from passerelle.api.cursors import Page
from passerelle.api.jobs import JOBS, get_job, run_job
from passerelle.api.node import Node
from passerelle.api.problem import RequestError, make_problem, translate
from passerelle.model.errors import PasserelleError

_LEAST_STEP_SECONDS = 0.1
_log = structlog.get_logger("passerelle.jobs")


class JobOut(msgspec.Struct, frozen=True):
    """A job and its arguments, as JSON Schema."""

    name: str
    summary: str
    arguments: dict[str, Any]


@get("/jobs", tags=["jobs"], sync_to_thread=False)
def list_all() -> Page[JobOut]:
    """Every job."""
    return Page([JobOut(job.name, job.summary, msgspec.json.schema(job.arguments)) for job in JOBS.values()], None)


@post("/jobs/{name:str}", tags=["jobs"], status_code=200, media_type="application/x-ndjson")
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
    return Stream(_report(node, pool, name, arguments, request.scope["path"]), media_type="application/x-ndjson")


async def _report(
    node: Node, pool: ThreadPoolExecutor | None, name: str, arguments: object, path: str
) -> AsyncIterator[bytes]:
    loop, latest, moved = asyncio.get_running_loop(), [0, 0], asyncio.Event()
    lock = threading.Lock()

    def progress(done: int, total: int) -> None:
        with lock:
            latest[:] = [done, total]
        loop.call_soon_threadsafe(moved.set)

    # Long jobs have threads of their own: they must not hold those that answer requests.
    task = loop.run_in_executor(pool, _run, node, name, arguments, path, progress)
    task.add_done_callback(lambda _: moved.set())
    while not task.done():
        await moved.wait()
        moved.clear()
        if not task.done():
            yield msgspec.json.encode({"done": latest[0], "total": latest[1]}) + b"\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), _LEAST_STEP_SECONDS)
    yield task.result() + b"\n"


def _run(node: Node, name: str, arguments: object, path: str, progress: Any) -> bytes:
    """The last line; a job goes on when its asker is gone, so that its failure is also logged."""
    try:
        return msgspec.json.encode({"result": run_job(node, name, arguments, progress)})
    except PasserelleError as error:
        _log.warning("job refused", job=name, reason=str(error))
        return msgspec.json.encode({"problem": make_problem(translate(error), path)})
