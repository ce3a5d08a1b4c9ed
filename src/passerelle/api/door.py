"""What every request passes: its id, its limits, the headers of every answer, the pages, and the count of it."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec
import structlog
from polars.exceptions import PanicException

from passerelle.api.compression import HEADERS as SQUEEZED
from passerelle.api.compression import Squeezing
from passerelle.api.metrics import Metrics
from passerelle.api.page_files import FIRST_ASKED, PageFile, find_page
from passerelle.api.posting import Inbox
from passerelle.api.problem import (
    PROBLEM_JSON,
    RequestError,
    list_headers,
    make_problem,
    report_unforeseen,
    say,
    settle,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

LARGEST_BODY = 32 * 1024**2
LARGEST_OTHER = 1024**2
"""Bytes of a body that holds no observations; the routes read it before they ask who sends it."""

MOST_BYTES = 256 * 1024**2
"""Bytes of all bodies that are being received or worked on."""

MOST_AT_ONCE = 256
BODY_SECONDS = 60.0
_SLOW_SECONDS = 2.0
_POSTS = "/api/v1/observations"
_JSON = [(b"content-type", b"application/json")]
_STARTED, _NUMBERS = secrets.token_hex(4).encode(), count(1)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_log = structlog.get_logger("passerelle.http")


class Door:
    """The ASGI application that stands before the routes.

    At most `MOST_AT_ONCE` requests are under way, event streams not counted. Observations come in bodies of at most
    32 MiB, all else in 1 MiB; a body arrives whole within a minute, and the bodies of all requests together take at
    most `MOST_BYTES`. There is no CORS: no other origin's page may read answers.
    """

    def __init__(
        self, app: Application, inbox: Inbox, metrics: Metrics, pages: dict[str, PageFile], policy: str
    ) -> None:
        self._app = app
        self._inbox = inbox
        self._metrics = metrics
        self._pages = pages
        self._headers = [*_HEADERS, (b"content-security-policy", policy.encode())]
        self._under_way = 0
        self._held = _Held()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send, self._held, self._headers)
        if visit.method == "HEAD":
            scope["method"] = "GET"
        streams = scope["path"] == "/api/v1/events"
        self._under_way += not streams
        try:
            await self._serve(visit, scope)
        finally:
            self._under_way -= not streams
            visit.end()
            self._count(visit, scope)

    async def _serve(self, visit: _Visit, scope: Message) -> None:
        if self._under_way > MOST_AT_ONCE:
            await visit.refuse(
                RequestError("busy", f"{MOST_AT_ONCE} requests are under way, which is as many as may be")
            )
        elif visit.announced > visit.most:
            await visit.refuse(_too_large(visit.announced, visit.most))
        elif scope["path"] == _POSTS and scope["method"] == "POST" and not scope["query_string"]:
            await self._take_post(visit, scope)
        elif scope["method"] == "GET" and (found := find_page(self._pages, scope["path"], for_person=visit.for_person)):
            scope["path_template"] = "pages"
            first = scope["path"] == "/" and not scope["query_string"]
            await _send_page(visit, *found, [(b"link", FIRST_ASKED)] if first else [])
        else:
            try:
                send = Squeezing(visit.send).send if visit.takes_gzip else visit.send
                await self._app(scope, visit.receive, send)
            except RequestError as error:
                # Raised while the body was read; the routes answer their own.
                await visit.refuse(error)
            except PanicException as error:
                # No Exception, so that no handler of the routes sees it.
                problem = report_unforeseen(error, scope["path"])
                if visit.status:
                    raise
                await visit.refuse(problem)

    async def _take_post(self, visit: _Visit, scope: Message) -> None:
        """Answer a post as the route of the same address would, whose machinery costs twice what the post does."""
        scope["path_template"] = _POSTS
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = await settle(self._inbox.accept_from(headers, visit.receive), _POSTS)
        if isinstance(answer, RequestError):
            await visit.refuse(answer)
        else:
            await visit.answer(201, _JSON, msgspec.json.encode(answer))

    def _count(self, visit: _Visit, scope: Message) -> None:
        seconds = time.perf_counter() - visit.began
        route = scope.get("path_template") or "none"
        self._metrics.count(visit.method, str(route), visit.status, seconds)
        if visit.status >= 500 or (seconds > _SLOW_SECONDS and route != "/api/v1/events"):
            _log.warning(
                "request",
                method=scope["method"],
                path=scope["path"][:200],
                status=visit.status,
                milliseconds=round(seconds * 1000),
                request_id=visit.id.decode(),
            )


@dataclass(slots=True)
class _Held:
    """The bytes of bodies that requests under way have brought."""

    bytes: int = 0


class _Wait:
    """A limit to the time that a body's pieces are waited for in all.

    One timer a body: `asyncio.timeout` would set one for each piece, at a tenth of what a small post costs.
    """

    def __init__(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self._waiting = self._over = False
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0), self._end_it)

    async def on(self, receive: Receive) -> Message:
        """The next piece; `TimeoutError` where it doesn't come in time."""
        if self._over:
            raise TimeoutError
        self._waiting = True
        try:
            return await receive()
        except asyncio.CancelledError:
            # Whoever else cancels the task at the same time has its way.
            if self._over and self._task is not None and self._task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = False

    def end(self) -> None:
        """Wait for nothing more."""
        self._timer.cancel()

    def _end_it(self) -> None:
        self._over = True
        if self._waiting and self._task is not None:
            self._task.cancel()


class _Visit:
    """One request and its answer: counts what comes, adds headers to what goes."""

    def __init__(
        self, scope: Message, receive: Receive, send: Send, held: _Held, headers: list[tuple[bytes, bytes]]
    ) -> None:
        self.began = time.perf_counter()
        self.status = 0
        self.announced = 0
        self.method = scope["method"]
        self._path = scope["path"]
        self.most = LARGEST_BODY if self._path == _POSTS else LARGEST_OTHER
        self.etag: bytes | None = None
        self.for_person = self.takes_gzip = False
        self.id = b""
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                self.announced = int(value)
            elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                self.id = value
            elif name == b"if-none-match":
                self.etag = value
            elif name == b"accept":
                self.for_person = b"text/html" in value
            elif name == b"accept-encoding":
                self.takes_gzip = b"gzip" in value
        self.id = self.id or b"%s-%x" % (_STARTED, next(_NUMBERS))
        self._receive = receive
        self._send = send
        self._held = held
        self._headers = headers
        self._wait: _Wait | None = None
        self.came = 0

    async def receive(self) -> Message:
        """The next piece of the body, while it is neither too large nor too slow."""
        if self.status:
            # The answer has begun: what is awaited now is the asker's going away, however long it takes.
            return await self._receive()
        if self._wait is None:
            self._wait = _Wait(self.began + BODY_SECONDS - time.perf_counter())
        try:
            message = await self._wait.on(self._receive)
        except TimeoutError as error:
            raise RequestError("too-slow", f"no whole body came within {BODY_SECONDS:g} s") from error
        if not message.get("more_body"):
            self._wait.end()
        if message["type"] == "http.request":
            self.came += len(message["body"])
            self._held.bytes += len(message["body"])
            if self.came > self.most:
                raise _too_large(self.came, self.most)
            if self._held.bytes > MOST_BYTES:
                raise RequestError("busy", f"bodies of {MOST_BYTES} bytes are under way, which is as much as may be")
        # Rows of a body that was cut off could be read as if they were all.
        if not message.get("more_body") and self.came < self.announced:
            raise RequestError("unreadable", f"the body ended after {self.came} of {self.announced} bytes")
        if message["type"] == "http.disconnect":
            raise RequestError("unreadable", "the connection ended before the body did")
        return message

    def end(self) -> None:
        """Give back what the visit held."""
        self._held.bytes -= self.came
        if self._wait is not None:
            self._wait.end()

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer, its head with the headers of every answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._headers, (b"x-request-id", self.id)]
        elif self.method == "HEAD":
            message["body"] = b""
        await self._send(message)

    async def refuse(self, error: RequestError) -> None:
        """Answer with a problem, before any route."""
        problem = make_problem(error, self._path[:200])
        body = msgspec.json.encode(problem)
        headers = [(name.encode(), value.encode()) for name, value in list_headers(error.kind).items()]
        await self.answer(
            problem.status, [(b"content-type", PROBLEM_JSON.encode()), (b"connection", b"close"), *headers], body
        )

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_page(visit: _Visit, status: int, page: PageFile, links: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"etag", page.etag.encode()), (b"cache-control", page.cache_control.encode()), *links]
    if visit.etag == page.etag.encode():
        await visit.answer(304, headers, b"")
        return
    headers.append((b"content-type", page.content_type.encode()))
    if visit.takes_gzip and page.squeezed is not None:
        await visit.answer(status, [*headers, *SQUEEZED], page.squeezed)
        return
    await visit.answer(status, [*headers, (b"vary", b"accept-encoding")], page.body)


def _too_large(came: int, most: int) -> RequestError:
    told = f"at most {most} bytes are allowed in a body"
    return RequestError("too-large", f"{came} bytes came; {told}", [say("body", came, told)])
