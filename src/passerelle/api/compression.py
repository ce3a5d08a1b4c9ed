"""Answers made smaller for those who take gzip: the pages' files once, when they are read, JSON as it leaves.

Arrow and Parquet are compressed already, and rows that are streamed leave as they come.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_LEAST = 4096
"""Bytes below which an answer fits into a few packets anyway."""

_AT_ONCE = 256 * 1024
"""Bytes that are compressed in 3 ms; more is done beside the event loop."""

_FAST, _BEST = 1, 9
_SQUEEZABLE = (b"application/json", b"application/geo+json", b"application/vnd.oai.openapi+json")
HEADERS = [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]


def squeeze_file(body: bytes) -> bytes | None:
    """`body` as gzip, the same bytes each time; None where it is short, or that saves less than a tenth."""
    if len(body) < _LEAST:
        return None
    squeezed = gzip.compress(body, _BEST, mtime=0)
    return squeezed if len(squeezed) < 0.9 * len(body) else None


class Squeezing:
    """Passes an answer on, as gzip where it is JSON, large and whole in one message."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer; its head waits for the body where that may be squeezed."""
        if message["type"] == "http.response.start" and _is_worth_it(message):
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            if not message.get("more_body"):
                await _squeeze(start, message)
            await self._send(start)
        await self._send(message)


def _is_worth_it(start: Message) -> bool:
    headers = dict(start["headers"])
    length = headers.get(b"content-length", b"0")
    return (
        headers.get(b"content-type", b"").startswith(_SQUEEZABLE)
        and b"content-encoding" not in headers
        and length.isdigit()
        and int(length) >= _LEAST
    )


async def _squeeze(start: Message, message: Message) -> None:
    body = message["body"]
    if len(body) > _AT_ONCE:
        body = await asyncio.to_thread(gzip.compress, body, _FAST, mtime=0)
    else:
        body = gzip.compress(body, _FAST, mtime=0)
    message["body"] = body
    others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    start["headers"] = [*others, *HEADERS, (b"content-length", str(len(body)).encode())]
