"""From the body of a `POST /observations` to the archive: who sends, in which form, and under which key."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from passerelle.api.bodies import read_one, read_rows
from passerelle.api.metrics import Metrics
from passerelle.api.node import Node
from passerelle.api.problem import FieldError, RequestError, say
from passerelle.api.tokens import check_scope
from passerelle.archive.admission import Posted, Sender
from passerelle.archive.events import Commit
from passerelle.lake.committer import Answer, Batch
from passerelle.lake.contract import Receipt
from passerelle.model.errors import PasserelleError
from passerelle.registry.tokens import Scope, Token

LONGEST_KEY = 255
_SMALL = 4096
_KEY_ALLOWED = f"1 to {LONGEST_KEY} printable ASCII characters are allowed"


class PostedOut(msgspec.Struct, frozen=True):
    """What was accepted: rows, whether the Idempotency-Key had come before, since when this node knows them.

    `known_since` is null for what came before: the first answer told it.
    """

    rows: int
    repeated: bool
    known_since: datetime | None


class Inbox:
    """Takes posted observations to the archive, in a bounded pool of threads of its own."""

    def __init__(self, node: Node, metrics: Metrics, pool: ThreadPoolExecutor) -> None:
        self._node = node
        self._metrics = metrics
        self._pool = pool
        self._singles = _Singles(node, metrics)

    async def accept_from(self, headers: Mapping[str, str], receive: Callable[[], Awaitable[Any]]) -> PostedOut:
        """What became of a body that is still to come, piece by piece."""
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body"):
            await self._check_sender(headers.get("authorization"))
            pieces = [body]
            while message.get("more_body"):
                message = await receive()
                pieces.append(message.get("body", b""))
            body = b"".join(pieces)
        return await self.accept(headers, body)

    async def _check_sender(self, authorization: str | None) -> None:
        """Raise unless the bearer may send observations."""
        token = self._node.tokens.recall(authorization)
        if token is None:
            token = await asyncio.get_running_loop().run_in_executor(self._pool, self._node.tokens.find, authorization)
        _read_sender(token)

    async def accept(self, headers: Mapping[str, str], body: bytes) -> PostedOut:
        """What became of a body; `headers` by their small names.

        A single observation stays in the event loop: its checks take microseconds, and the wait for the commit it
        shares with others holds no thread.
        """
        token = self._node.tokens.recall(headers.get("authorization"))
        if token is None or len(body) > _SMALL:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._receive, headers, body)
        content_type = _check_form(headers)
        one = read_one(body, content_type)
        if one is None:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._receive, headers, body)
        sender, key = _read_sender(token), _read_key(headers.get("idempotency-key"))
        now = self._node.archive.clock.read()
        digest = b"" if key is None else _digest(content_type, body)
        batch = self._node.archive.find_single(one, sender, key, digest, now)
        if batch is None:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._receive, headers, body)
        receipt = await self._singles.keep(batch, sender.feed)
        return PostedOut(1, receipt.repeated, None if receipt.repeated else now)

    def _receive(self, headers: Mapping[str, str], body: bytes) -> PostedOut:
        token = self._node.tokens.find(headers.get("authorization"))
        sender, key, content_type = _read_sender(token), _read_key(headers.get("idempotency-key")), _check_form(headers)
        rows = read_rows(body, content_type)
        digest = _digest(content_type, body)
        return self._count(self._node.archive.receive(rows, sender, key, digest), sender)

    def _count(self, posted: Posted, sender: Sender) -> PostedOut:
        if not posted.repeated:
            self._metrics.count_observations(sender.feed, posted.rows)
        return PostedOut(posted.rows, posted.repeated, posted.known_since)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A single observation of `feed`, and who waits for its receipt."""

    batch: Batch
    feed: str
    waiter: asyncio.Future[Receipt]


class _Singles:
    """Single observations that come in one turn of the event loop go to the lake together, and are answered so.

    A hand-over between threads takes longer than all else that a post needs.
    """

    def __init__(self, node: Node, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self._came: list[_Sent] = []

    async def keep(self, batch: Batch, feed: str) -> Receipt:
        """The receipt; whoever goes away meanwhile leaves the observation where it is."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Receipt] = loop.create_future()
        self._came.append(_Sent(batch, feed, waiter))
        if len(self._came) == 1:
            loop.call_soon(self._submit, loop)
        return await waiter

    def _submit(self, loop: asyncio.AbstractEventLoop) -> None:
        came, self._came = self._came, []

        def tell(answers: list[Answer]) -> None:
            # A loop that has ended has nobody waiting.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._hand_out, came, answers)

        try:
            self._node.archive.lake.submit_all([one.batch for one in came], tell)
        except (PasserelleError, ValueError) as error:
            self._hand_out(came, [error] * len(came))

    def _hand_out(self, came: list[_Sent], answers: list[Answer]) -> None:
        kept: dict[str, list[datetime]] = {}
        for one, answer in zip(came, answers, strict=True):
            if isinstance(answer, Receipt):
                if not answer.repeated:
                    kept.setdefault(one.feed, []).append(one.batch.origin.known_since)
                if not one.waiter.cancelled():
                    one.waiter.set_result(answer)
            elif not one.waiter.cancelled():
                one.waiter.set_exception(answer)
        for feed, times in kept.items():
            self._metrics.count_observations(feed, len(times))
            self._node.archive.events.tell(Commit(min(times), feed, len(times)))


def _check_form(headers: Mapping[str, str]) -> str:
    """The content type of a body that is sent as it is."""
    encoding = headers.get("content-encoding", "identity")
    if encoding != "identity":
        told = f"content-encoding {encoding[:50]!r} came; identity is allowed"
        raise RequestError("unsupported-media", told, [say("content-encoding", encoding, "identity is allowed")])
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _read_sender(token: Token) -> Sender:
    check_scope(token, Scope.OBSERVATIONS)
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
