"""What the door bounds: whose bodies are read on, how long they may take, and how much memory they take together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from polars.exceptions import PanicException
from sqlalchemy import event

from passerelle.api import door
from passerelle.api.build import Api
from passerelle.api.node import Node
from passerelle.api.problem import RequestError, settle
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.registry.tokens import Scope


@dataclass
class Post:
    """A request whose body comes piece by piece, and what was answered."""

    api: Api
    bearer: str | None
    pieces: AsyncIterator[bytes]
    path: str = "/api/v1/observations"
    taken: int = 0
    sent: list[Any] = field(default_factory=list)

    async def ask(self) -> int:
        """The status of the answer."""
        headers = [(b"content-type", b"application/json")]
        if self.bearer is not None:
            headers.append((b"authorization", f"Bearer {self.bearer}".encode()))
        scope = {"type": "http", "method": "POST", "path": self.path, "query_string": b"", "headers": headers}
        await self.api.app(scope, self._receive, self._send)
        return int(self.sent[0]["status"])

    async def _receive(self) -> dict[str, Any]:
        piece = await anext(self.pieces)
        self.taken += 1
        return {"type": "http.request", "body": piece, "more_body": True}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)


async def trickle(seconds: float, size: int = 1) -> AsyncIterator[bytes]:
    """A piece every so many seconds, without end."""
    while True:
        await asyncio.sleep(seconds)
        yield b" " * size


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """An empty Paris, not served."""
    create_folder(tmp_path / "paris", "paris")
    archive = open_archive(tmp_path / "paris")
    yield Node(archive)
    archive.close()


@pytest.fixture
def api(node: Node) -> Iterator[Api]:
    """Its application."""
    api = Api(node)
    yield api
    api.close()


@pytest.fixture
def sender(node: Node) -> str:
    """A sender's token."""
    return node.archive.create_token(name="s", scope=Scope.OBSERVATIONS, feed="bike-counters")[1]


@pytest.mark.parametrize(("bearer", "status"), [(None, 401), ("psr_unknown", 401), ("officer", 403)])
def test_only_a_senders_body_is_read_on(node: Node, api: Api, bearer: str | None, status: int) -> None:
    """Without a sender's token the answer comes after the first piece of the body."""
    _, officer = node.archive.create_token(name="o", scope=Scope.OFFICER)
    post = Post(api, officer if bearer == "officer" else bearer, trickle(0, 1000))
    assert asyncio.run(post.ask()) == status
    assert post.taken == 1


def test_a_body_has_one_deadline(api: Api, sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of which a byte comes every 50 ms is refused when its time of 300 ms is over."""
    monkeypatch.setattr(door, "BODY_SECONDS", 0.3)
    post, began = Post(api, sender, trickle(0.05)), time.monotonic()
    assert asyncio.run(asyncio.wait_for(post.ask(), 5)) == 408
    assert 0.25 < time.monotonic() - began < 1.5


def test_all_bodies_together_are_bounded(api: Api, sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight bodies of 1 MiB where 4 MiB may be, four or more are a 503 with `Retry-After`; a later one is not."""
    monkeypatch.setattr(door, "MOST_BYTES", 4 * 1024**2)
    monkeypatch.setattr(door, "BODY_SECONDS", 1.0)

    async def stall() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b" " * 256 * 1024
        await asyncio.sleep(60)

    posts = [Post(api, sender, stall()) for _ in range(8)]

    async def ask() -> list[int]:
        return await asyncio.gather(*(post.ask() for post in posts))

    statuses = asyncio.run(ask())
    busy = [post for post, status in zip(posts, statuses, strict=True) if status == 503]
    assert set(statuses) == {408, 503}
    assert len(busy) >= 4
    assert all((b"retry-after", b"1") in post.sent[0]["headers"] for post in busy)
    assert asyncio.run(Post(api, sender, stall()).ask()) == 408


def test_other_bodies_have_a_mebibyte(api: Api) -> None:
    """What holds no observations is refused beyond 1 MiB: 1.25 MiB came."""
    post = Post(api, None, trickle(0, 256 * 1024), path="/api/v1/series")
    assert asyncio.run(post.ask()) == 413
    assert post.taken == 5


def test_a_panic_below_is_a_problem() -> None:
    """A panic of Polars, which is no `Exception`, ends in the 500 that other defects end in."""

    async def fail() -> None:
        raise PanicException("index out of bounds")

    problem = asyncio.run(settle(fail(), "/x"))
    assert isinstance(problem, RequestError)
    assert problem.kind == "internal"


def test_a_token_ends_when_it_expires(node: Node) -> None:
    """A token that was verified before its end is not recalled after it."""
    end = datetime.now(UTC) + timedelta(seconds=4)  # the node remembers what it verified for five
    _, secret = node.archive.create_token(name="s", scope=Scope.OBSERVATIONS, feed="bike-counters", expires=end)
    assert node.tokens.find(f"Bearer {secret}").expires == end
    assert node.tokens.recall(f"Bearer {secret}") is not None
    time.sleep(max(0, (end - datetime.now(UTC)).total_seconds()))
    assert node.tokens.recall(f"Bearer {secret}") is None


def test_a_token_revoked_while_it_is_read_is_not_remembered(node: Node, sender: str) -> None:
    """Revoked between the reading of its row and the remembering of it, a token is asked for anew."""
    engine = node.archive.engine

    def forget(*_: object) -> None:
        node.tokens.forget()

    event.listen(engine, "after_cursor_execute", forget)
    node.tokens.find(f"Bearer {sender}")
    event.remove(engine, "after_cursor_execute", forget)
    assert node.tokens.recall(f"Bearer {sender}") is None
    node.tokens.find(f"Bearer {sender}")
    assert node.tokens.recall(f"Bearer {sender}") is not None
