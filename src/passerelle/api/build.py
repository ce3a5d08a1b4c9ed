"""Puts the API together over one open node: routes, errors, OpenAPI, and the door before them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License

from passerelle.api.door import LARGEST_BODY, Door
from passerelle.api.health import read_health, read_metrics
from passerelle.api.metrics import Metrics
from passerelle.api.node import Node
from passerelle.api.page_files import read_pages, write_policy
from passerelle.api.parameters import check_parameters
from passerelle.api.posting import Inbox
from passerelle.api.problem import answer_litestar, answer_ours, answer_unforeseen
from passerelle.api.stream import EventStream
from passerelle.api.v1 import ROUTES
from passerelle.model.errors import PasserelleError

READERS = 8
"""Threads that read lake and registry: on two cores more would only queue on the same locks."""

WRITERS = 16
"""Threads that wait for a commit of the lake, which takes the waiting batches together."""

WORKERS = 2
"""Long jobs that run at once: imports and exports fill a core each."""


class Api:
    """The application of one node. `app` is what a server serves."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stream = EventStream(node)
        metrics = Metrics(node)
        self._writers = ThreadPoolExecutor(WRITERS, "writer")
        self._workers = ThreadPoolExecutor(WORKERS, "job")
        inbox = Inbox(node, metrics, self._writers)
        provided = {
            "node": node,
            "events": self._stream,
            "metrics": metrics,
            "inbox": inbox,
            "workers": self._workers,
        }
        self.routes = _build_routes(provided, node.version, self._live)
        pages, tiles = read_pages(Path(str(files("passerelle.api"))) / "pages"), node.archive.city.tiles
        self.app = Door(self.routes, inbox, metrics, pages, write_policy(tiles))

    def end_streams(self) -> None:
        """Let every event stream end, so that the server can stop."""
        self._stream.close()

    def close(self) -> None:
        """End the threads; the last answers are out."""
        self._writers.shutdown()
        self._workers.shutdown(cancel_futures=True)

    @asynccontextmanager
    async def _live(self, _: Litestar) -> AsyncIterator[None]:
        readers = ThreadPoolExecutor(READERS, "reader")
        asyncio.get_running_loop().set_default_executor(readers)
        pump = asyncio.create_task(self._stream.run())
        yield
        self._stream.close()
        await pump


def _build_routes(provided: dict[str, object], version: str, live: Any) -> Litestar:
    return Litestar(
        route_handlers=[Router("/api/v1", route_handlers=[*ROUTES, _read_openapi]), read_health, read_metrics],
        dependencies={name: Provide(_give(value), sync_to_thread=False) for name, value in provided.items()},
        before_request=check_parameters,
        exception_handlers={
            PasserelleError: answer_ours,
            HTTPException: answer_litestar,
            Exception: answer_unforeseen,
        },
        lifespan=[live],
        request_max_body_size=LARGEST_BODY,
        openapi_config=OpenAPIConfig(
            title="Passerelle",
            version=version,
            description="A city's memory and its evidence. Times are RFC 3339; an error's body is RFC 9457.",
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
            path="/api/v1/schema",
            render_plugins=[JsonRenderPlugin()],
            use_handler_docstrings=True,
        ),
        logging_config=None,
    )


def _give(value: object) -> Any:
    return lambda: value


@get("/openapi.json", include_in_schema=False, media_type="application/vnd.oai.openapi+json", sync_to_thread=False)
def _read_openapi(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    return Response(request.app.openapi_schema.to_schema(), media_type="application/vnd.oai.openapi+json")
