"""The API of a stopped folder, asked in this process: the same routes, no socket."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog

from passerelle.api.build import Api
from passerelle.api.jobs import run_job
from passerelle.api.node import Node
from passerelle.api.problem import make_problem, translate
from passerelle.api.tokens import make_owner_secret
from passerelle.archive.admit import Progress
from passerelle.archive.folder import find_node, read_key
from passerelle.archive.opening import open_archive
from passerelle.model.errors import PasserelleError


def find_running(folder: Path) -> tuple[str, str] | None:
    """The address of the node that runs on `folder`, and its owner's secret; None where none runs."""
    note = find_node(folder) if folder.is_dir() else None
    return None if note is None else (note.url, make_owner_secret(read_key(folder)))


class LocalNode:
    """A folder opened by this process, which owns it until `close`."""

    def __init__(self, folder: Path) -> None:
        if not structlog.is_configured():
            # Standard output is the program's that opened the folder.
            structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        self._archive = open_archive(folder)
        self._node = Node(self._archive)
        self._api = Api(self._node)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-node", daemon=True)
        self._thread.start()
        transport = httpx.ASGITransport(app=self._api.app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://local")

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request."""
        asked = self._client.request(method, path, params=params, content=content, headers=headers)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def do(self, name: str, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """What the last line of a running node's answer would be."""
        try:
            result = run_job(self._node, name, arguments, progress)
        except PasserelleError as error:
            problem = make_problem(translate(error), f"/api/v1/jobs/{name}")
            return {"problem": msgspec.to_builtins(problem)}
        return {"result": msgspec.to_builtins(result)}

    def close(self) -> None:
        """Let the folder go."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._api.close()
        self._archive.close()
