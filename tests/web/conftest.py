"""A real node on recorded data, and a browser that keeps a record of what the pages do."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.declaring import declare
from passerelle.studies.run import run_study

CHECKOUT = Path(__file__).parents[2]
PAGES = CHECKOUT / "src" / "passerelle" / "api" / "pages"
IMPORTED = ("bike-counters", "geodair-no2-mean", "geodair-no2-max")
KEPT_BACK = "geodair-no2-max"
READY_SECONDS = 60
PATIENCE_MS = 20_000
# A headless Chromium draws WebGL in software, which is slow, so that only tests that need the map ask for it.
DRAWS_MAPS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DRAWS_NONE = ["--disable-3d-apis"]
# It calls home unless told not to.
CHROMIUM = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass
class Reader:
    """A person at the page of a node: the page, and what went wrong while it was used."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note console errors, violations of the Content-Security-Policy and requests to other origins."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} or "Content Security Policy" in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.complaints.append(f"request to {request.url}")

    def open(self, address: str = "/", part: str = "main ol > li") -> Page:
        """The page at `address`, once `part` of it stands; unless told otherwise, the list of changes."""
        self.page.goto(self.url + address)
        self.page.locator(part).first.wait_for()
        return self.page

    def open_case(self, change: str) -> Page:
        """The page of a change's case file, once it stands."""
        return self.open(f"/changes/{change}", ".case .sentence")


def make_folder(folder: Path) -> None:
    """A Paris of bicycle counters and air, its change judged; one feed is declared as not to be handed on."""
    create_folder(folder, "paris")
    city_file = folder / "city.toml"
    before, entry, rest = city_file.read_text(encoding="utf-8").partition(f'id = "{KEPT_BACK}"')
    rest = rest.replace('redistribute = "yes"', 'redistribute = "no"', 1)
    city_file.write_text(before + entry + rest, encoding="utf-8")
    archive = open_archive(folder)
    try:
        for bundle in archive.city.bundles:
            if bundle.feed in IMPORTED:
                path = find_data_file(bundle.path)
                archive.admit(archive.keep(bundle.feed, Reply(path.read_bytes(), datetime.now(UTC))).reply_id)
        declaration = read_declaration(CHECKOUT / "cities" / "paris" / "curfew-18h-2021.toml")
        declare(archive, declaration)
        run_study(archive, declaration.study.id)
    finally:
        archive.close()


@pytest.fixture(scope="session")
def node_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running node with recorded data and built pages."""
    if not (PAGES / "index.html").exists():
        pytest.fail("the pages are not built: run `make pages`")
    folder = tmp_path_factory.mktemp("web") / "paris"
    make_folder(folder)
    with run_node(folder) as url:
        yield url


@contextmanager
def run_node(folder: Path) -> Iterator[str]:
    """The address of a node that runs on the folder until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (folder.parent / "node.log").open("wb") as log:
        command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(port)]
        process = subprocess.Popen(command, stderr=log, stdout=log, stdin=subprocess.DEVNULL)
    try:
        wait_until_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    """Return once the node answers."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the node ended before it answered"
        try:
            if httpx.get(f"{url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"not ready within {READY_SECONDS} s")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: Path | None) -> Iterator[Browser]:
    """The machine's Chromium, without WebGL: the page leaves its map out and says so."""
    launched = playwright.chromium.launch(executable_path=chromium and str(chromium), args=CHROMIUM + DRAWS_NONE)
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def drawing_browser(playwright: Playwright, chromium: Path | None) -> Iterator[Browser]:
    """The machine's Chromium, with WebGL."""
    launched = playwright.chromium.launch(executable_path=chromium and str(chromium), args=CHROMIUM + DRAWS_MAPS)
    yield launched
    launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An English reader in New York, so that the city's times are told from the machine's."""
    with open_context(browser) as made:
        yield made


@contextmanager
def open_context(browser: Browser) -> Iterator[BrowserContext]:
    """A reader's window until the block ends."""
    made = browser.new_context(
        locale="en-GB", timezone_id="America/New_York", viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def map_reader(drawing_browser: Browser, node_url: str) -> Iterator[Reader]:
    """A reader as `reader`, whose browser draws the map."""
    with open_context(drawing_browser) as context:
        made = Reader(context.new_page(), node_url)
        made.watch()
        yield made
        assert made.complaints == []


@pytest.fixture
def reader(context: BrowserContext, node_url: str) -> Iterator[Reader]:
    """A reader whose page must not complain: no console error, no CSP violation, no request to another origin."""
    made = Reader(context.new_page(), node_url)
    made.watch()
    yield made
    assert made.complaints == []
