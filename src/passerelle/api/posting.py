"""From the body of a `POST /observations` to the archive: who sends, in which form, and under which key."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from passerelle.api.bodies import read_rows
from passerelle.api.metrics import Metrics
from passerelle.api.node import Node
from passerelle.api.problem import FieldError, RequestError, say
from passerelle.api.tokens import check_scope
from passerelle.archive.admission import Posted, Sender
from passerelle.registry.tokens import Scope, Token

LONGEST_KEY = 255
_KEY_ALLOWED = f"1 to {LONGEST_KEY} printable ASCII characters are allowed"


class PostedOut(msgspec.Struct, frozen=True):
    """What was accepted: rows, whether the Idempotency-Key had come before, since when this node knows them."""

    rows: int
    repeated: bool
    known_since: datetime


class Inbox:
    """Takes posted observations to the archive, in a bounded pool of threads of its own."""

    def __init__(self, node: Node, metrics: Metrics, pool: ThreadPoolExecutor) -> None:
        self._node = node
        self._metrics = metrics
        self._pool = pool

    async def accept(self, headers: Mapping[str, str], body: bytes) -> PostedOut:
        """What became of a body; `headers` by their small names."""
        posted = await asyncio.get_running_loop().run_in_executor(self._pool, self._receive, headers, body)
        return PostedOut(posted.rows, posted.repeated, posted.known_since)

    def _receive(self, headers: Mapping[str, str], body: bytes) -> Posted:
        token = self._node.tokens.find(headers.get("authorization"))
        check_scope(token, Scope.OBSERVATIONS)
        key = _read_key(headers.get("idempotency-key"))
        if headers.get("content-encoding", "identity") != "identity":
            came = headers["content-encoding"]
            raise RequestError(
                "unsupported-media",
                f"content-encoding {came[:50]!r} came; identity is allowed",
                [say("content-encoding", came, "identity is allowed")],
            )
        content_type = headers.get("content-type", "")
        rows = read_rows(body, content_type)
        sender = _read_sender(token)
        posted = self._node.archive.receive(rows, sender, key, _digest(content_type, body))
        if not posted.repeated:
            self._metrics.observations.labels(sender.feed).inc(posted.rows)
        return posted


def _read_sender(token: Token) -> Sender:
    if token.feed is None or token.source is None:
        told = "the token names no feed"
        raise RequestError("forbidden", told, [FieldError("authorization", "", "a token made for a feed is allowed")])
    return Sender(token.feed, token.source)


def _read_key(key: str | None) -> str | None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        told = f"Idempotency-Key of {len(key)} characters came; {_KEY_ALLOWED}"
        raise RequestError("invalid-parameter", told, [say("idempotency-key", key, _KEY_ALLOWED)])
    return key


def _digest(content_type: str, body: bytes) -> bytes:
    """What an Idempotency-Key stands for: the body to the byte, and how it is to be read."""
    return hashlib.blake2b(body, digest_size=16, key=content_type.encode()[:64]).digest()
