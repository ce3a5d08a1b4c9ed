"""Long work that tells its progress: JSON lines `{"done", "total"}` as it goes, last `{"result"}` or `{"problem"}`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog

from passerelle.api.problem import RequestError, make_problem, translate
from passerelle.model.errors import PasserelleError

NDJSON = "application/x-ndjson"
_LEAST_STEP_SECONDS = 0.1
_log = structlog.get_logger("passerelle.jobs")

Progress = Callable[[int, int], None]
Work = Callable[[Progress], object]


@contextlib.contextmanager
def one_at_a_time(lock: threading.Lock, told: str) -> Iterator[None]:
    """Hold the lock for the block; a 503 with what is `told` where another holds it."""
    if not lock.acquire(blocking=False):
        raise RequestError("busy", told)
    try:
        yield
    finally:
        lock.release()


async def report(pool: ThreadPoolExecutor | None, name: str, work: Work, path: str) -> AsyncGenerator[bytes, None]:
    """The lines of the work, which is done on a thread of `pool`."""
    loop, latest, moved = asyncio.get_running_loop(), [0, 0], asyncio.Event()
    lock = threading.Lock()

    def progress(done: int, total: int) -> None:
        with lock:
            latest[:] = [done, total]
        loop.call_soon_threadsafe(moved.set)

    # Long work has threads of its own: it must not hold those that answer requests.
    task = loop.run_in_executor(pool, _run, name, work, path, progress)
    task.add_done_callback(lambda _: moved.set())
    while not task.done():
        await moved.wait()
        moved.clear()
        if not task.done():
            yield msgspec.json.encode({"done": latest[0], "total": latest[1]}) + b"\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), _LEAST_STEP_SECONDS)
    yield task.result() + b"\n"


def _run(name: str, work: Work, path: str, progress: Progress) -> bytes:
    """The last line; work goes on when its asker is gone, so that its failure is also logged."""
    try:
        return msgspec.json.encode({"result": work(progress)})
    except PasserelleError as error:
        _log.warning("job refused", job=name, reason=str(error))
        return msgspec.json.encode({"problem": make_problem(translate(error), path)})


async def report_wanted(
    pool: ThreadPoolExecutor, name: str, work: Work, path: str, seconds: float
) -> AsyncGenerator[bytes, None]:
    """As `report`, of work that ends where nobody waits for it any longer, or when it takes longer than `seconds`."""
    gone, deadline = threading.Event(), time.monotonic() + seconds

    def look(progress: Progress) -> object:
        def tell(done: int, total: int) -> None:
            if gone.is_set():
                raise RequestError("busy", "whoever asked is gone")
            if time.monotonic() > deadline:
                raise RequestError(
                    "refused", f"it takes longer than {seconds:g} s; fewer studies or longer times do not"
                )
            progress(done, total)

        tell(0, 0)
        return work(tell)

    lines = report(pool, name, look, path)
    try:
        async for line in lines:
            yield line
    finally:
        gone.set()
        await lines.aclose()
