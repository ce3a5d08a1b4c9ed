"""The node: one process that owns a city's folder and answers for it over HTTP."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from sqlalchemy.exc import OperationalError

from passerelle.api.build import Api
from passerelle.api.node import Node
from passerelle.archive.archive import Archive
from passerelle.archive.opening import open_archive
from passerelle.archive.quota import Retention
from passerelle.model.errors import PortTakenError, StorageFullError

_CONNECTIONS = 1024
_HEADER_MILLISECONDS = 10_000
_LOOK_SECONDS = 10.0
_KEEP_HOUSE_SECONDS = 3600.0
_AGAIN_SECONDS = 60.0
_STOP_SECONDS = 10
_M_ARENA_MAX = -8  # glibc's malloc.h
_ARENAS = 2

_log = structlog.get_logger("passerelle.app")


def run_node(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    shift: int = 0,
    fetches: bool = True,
    replays: bool = False,
) -> None:
    """Serve `folder` until SIGINT or SIGTERM; `port` is the city's own and `shift` where none is given.

    Where it `fetches`, the node asks its feeds' publishers at their cadences; where it `replays`, it plays the city's
    recordings as if they came now.

    An error of ours before the first answer is raised: the folder is busy, too new, its city file wrong, or the port
    taken. So is whatever ends the node's own work later, after the answers under way.
    """
    configure_logs()
    limit_arenas()
    archive = open_archive(folder)
    try:
        for feed in archive.city.feeds:
            Retention.of(feed)
        uvloop.run(
            serve(archive, host, archive.city.port + shift if port is None else port, fetches=fetches, replays=replays)
        )
    finally:
        archive.close()
    _log.info("stopped", folder=str(folder))


def limit_arenas() -> None:
    """Have glibc's threads share few heaps; elsewhere nothing changes.

    Each of some fifty threads would get a heap of its own, up to eight a core, and what it frees among what others
    hold is not given back: of 1,000 feeds asked every half minute memory grew by 25 MiB a minute, and now stays.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def configure_logs() -> None:
    """Log to standard error, one JSON object a line; other libraries' warnings likewise."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


async def serve(archive: Archive, host: str, port: int, *, fetches: bool = False, replays: bool = False) -> None:
    _check_port(host, port)
    node = Node(archive)
    api = Api(node)
    server = Server(
        api.app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        websockets=False,
        backlog=_CONNECTIONS,
        log_enabled=False,
    )
    server.workers_kill_timeout = _STOP_SECONDS
    loop = asyncio.get_running_loop()

    def stop() -> None:
        # Event streams never end by themselves, and the server waits for the answers under way.
        api.end_streams()
        server.stop()  # type: ignore[no-untyped-call]

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    tasks = [asyncio.create_task(keep_house(archive)), asyncio.create_task(_announce(archive, host, port))]

    def look_at(task: asyncio.Task[None]) -> None:
        # A node that goes on without its housekeeping would fill the disk and tell nobody.
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the node's own work failed", exc_info=error)
            stop()

    for task in tasks:
        task.add_done_callback(look_at)
    node.start(fetches=fetches, replays=replays)
    node.trust.start()
    try:
        await server.serve()
    finally:
        node.stop()
        api.close()
        await asyncio.to_thread(node.trust.close)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


def _check_port(host: str, port: int) -> None:
    """Raise where the port is taken: the server itself would share it with whoever listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(f"{host}:{port} can't be listened at: {error.strerror}", where="port") from error


async def _announce(archive: Archive, host: str, port: int) -> None:
    """Write `node.json` once the port answers."""
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(shown, port)
            writer.close()
            await writer.wait_closed()
            break
        await asyncio.sleep(0.02)
    url = f"http://{shown}:{port}"
    archive.announce(url)
    _log.info("ready", url=url, city=archive.city.id, folder=str(archive.folder))


async def keep_house(archive: Archive) -> None:
    """Look at the disk, drop bytes of replies that no feed keeps any longer, admit what a full disk held up.

    A full disk and files that can't be written are told and tried again; anything else is a defect, and raised.
    """
    due = time.monotonic()
    while True:
        try:
            await asyncio.to_thread(archive.disk.look)
            if time.monotonic() >= due:
                due = time.monotonic() + _AGAIN_SECONDS
                await asyncio.to_thread(archive.drop_old_bytes)
                await asyncio.to_thread(archive.resume)
                due = time.monotonic() + _KEEP_HOUSE_SECONDS
        except (StorageFullError, OSError, OperationalError) as error:
            _log.warning("housekeeping put off", reason=str(error), kind=type(error).__name__)
        await asyncio.sleep(_LOOK_SECONDS)
