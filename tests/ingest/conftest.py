"""A publisher on this machine that answers as it is told to, and a city of its feeds."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from tests.ingest.mosquitto import Mosquitto, running

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds._http import Limits
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply, Request
from passerelle.feeds.forms import FORMS
from passerelle.ingest.ask import Asker
from passerelle.ingest.budget import Budget
from passerelle.model.errors import ReplyError
from passerelle.model.interval import parse_time
from passerelle.model.observation import PARSED, REFUSED
from passerelle.model.place import Place, point

BOMB = gzip.compress(bytes(20 << 20))

CITY = """
id = "testville"
country = "FR"
time_zone = "Europe/Paris"
languages = ["fr"]
bbox = [1.98, 48.63, 2.65, 49.03]
centre = [2.3488, 48.8534]
port = 8199
sectors = ["mobility"]
name = {en = "Testville", fr = "Testville"}
"""

FEED = """
[[feed]]
id = "%s"
form = "counts"
title = {en = "Counts", fr = "Comptages"}
publisher = "tests"
owner = "tests"
url = "%s"
documentation = "unknown"
licence = {name = "unknown", url = "", attribution = "tests"}
redistribute = "yes"
cadence_seconds = %s
quantities = ["bicycle_count"]
parameters = {key = "%s"}
"""


class UnforeseenError(Exception):
    """What no form should raise, and one does."""


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Lines of a start and a count, at one place."""
    if reply.body.startswith(b"<"):
        raise ReplyError("the answer is markup")
    if reply.body == b"defect":
        raise UnforeseenError(feed.id)
    rows = [line.split() for line in reply.body.decode().splitlines()]
    starts = [parse_time(start) for start, _ in rows]
    columns = [
        [feed.id for _ in rows],
        ["bicycle_count" for _ in rows],
        ["" for _ in rows],
        starts,
        [start + timedelta(hours=1) for start in starts],
        [float(count) for _, count in rows],
        [None for _ in rows],
        list(range(1, len(rows) + 1)),
    ]
    place = Place(feed.id, "counter", feed.id, point(2.3522, 48.8566))
    return Parsed((place,), pa.table(columns, schema=PARSED), pa.Table.from_pylist([], schema=REFUSED))


def request(feed: Feed) -> Request:
    """The feed's address, with a key where the feed has one."""
    key = feed.parameters["key"]
    return Request(feed.url, secret_headers={"X-Key": key} if key else {})


COUNTS = Form("counts", "Counts of tests", "none", Grade.FIXTURE, ("bicycle_count",), request, parse)


@pytest.fixture(autouse=True)
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form `counts` is known, and gone after each test."""
    monkeypatch.setitem(FORMS, "counts", COUNTS)


@dataclass
class Page:
    """What the publisher answers at one path; `act` stands for all the rest where it is set."""

    body: bytes = b"2026-03-01T10:00:00Z 120\n"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[BaseHTTPRequestHandler], None] | None = None


@dataclass
class Publisher:
    """A server's address, its pages by path, and what was asked of it: path, moment and headers."""

    url: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """The server's host and port."""
        return self.url.removeprefix("http://")

    def count(self, path: str) -> int:
        """How often the path was asked for."""
        return sum(each == path for each, _, _ in self.asked)


def hang(_: BaseHTTPRequestHandler) -> None:
    """Say nothing for a while."""
    time.sleep(3)


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n2026-03")


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(60):
            handler.wfile.write(b"2")
            time.sleep(0.05)


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """Send 20 MiB as 20 kB."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB))
        handler.wfile.write(BOMB)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """A server that runs."""
    told = Publisher()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            told.asked.append(
                (self.path, time.monotonic(), {name.lower(): text for name, text in self.headers.items()})
            )
            page = told.pages[self.path]
            if page.act is not None:
                page.act(self)
                return
            known = self.headers.get("If-None-Match")
            unchanged = known is not None and known == page.headers.get("ETag")
            self.send_response(304 if unchanged else page.status)
            for name, text in page.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", "0" if unchanged else str(len(page.body)))
            self.end_headers()
            self.wfile.write(b"" if unchanged else page.body)

        def log_message(self, *_: object) -> None:
            """Nothing: the tests' output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def city(tmp_path: Path, publisher: Publisher) -> Iterator[Callable[..., Archive]]:
    """`city("a", "b")` is the open archive of a city with feeds at these paths; each page answers plainly at first."""
    opened: list[Archive] = []

    def make(*names: str, cadence: float = 1, key: str = "") -> Archive:
        file = tmp_path / "city.toml"
        feeds = [FEED % (name, f"{publisher.url}/{name}", cadence, key) for name in names]
        file.write_text(CITY + "".join(feeds), encoding="utf-8")
        publisher.pages |= {f"/{name}": Page() for name in names}
        create_folder(tmp_path / "city", file)
        opened.append(open_archive(tmp_path / "city"))
        return opened[-1]

    yield make
    for archive in opened:
        archive.close()


@pytest.fixture
def asker() -> Callable[..., Asker]:
    """`asker(archive)`, with limits that a test can wait for."""

    def make(archive: Archive, budgets: Sequence[Budget] = (), **environ: str) -> Asker:
        limits = Limits(connect_s=1, silence_s=0.5, total_s=0.8, decoded_bytes=1 << 20)
        return Asker(archive, environ=environ, limits=limits, budgets=budgets)

    return make


@pytest.fixture
def faults() -> dict[str, Page]:
    """Pages that go wrong, each in its way."""
    return {
        "hang": Page(act=hang),
        "drip": Page(act=drip),
        "cut": Page(act=cut),
        "bomb": Page(act=bomb),
        "html": Page(b"<html>Service unavailable</html>"),
        "defect": Page(b"defect"),
        "words": Page(b"neither time nor count\n"),
        "down": Page(b"", 503, {"Retry-After": "1"}),
        "gone": Page(b"", 404),
        "round": Page(b"", 302, {"Location": "/round"}),
    }


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that runs; CI must have Mosquitto."""
    with running(tmp_path / "broker") as broker:
        yield broker
