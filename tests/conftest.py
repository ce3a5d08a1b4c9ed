"""Fixtures that more than one room's tests need."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from passerelle.archive.folder import create_folder, find_node
from passerelle.archive.opening import open_archive
from passerelle.feeds.feed import Reply
from passerelle.registry.tokens import Scope

CHECKOUT = Path(__file__).parents[1]

# The nodes that tests start must not go out to the publishers; tests of asking bring servers of their own.
os.environ["PASSERELLE_NO_FETCH"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds`: how often a fault is injected; `make torture` says 200."""
    parser.addoption("--rounds", type=int, default=2, help="how often tests/torture injects each fault")


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> int:
    """How often to inject a fault: few in the default run, many in `make torture`."""
    rounds: int = request.config.getoption("--rounds")
    return rounds


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The repository's root."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that may be tested with but not shipped; CI must have it beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests with {folder}, which is absent")
        pytest.skip(f"{folder} is absent: it holds data that may not be shipped")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path | None:
    """The machine's Chromium for Playwright's `executable_path`; None is Playwright's own (Ubuntu)."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    if (CHECKOUT / ".make" / "chromium").exists():
        return None
    if os.environ.get("CI") == "true":
        pytest.fail("CI tests the pages with Chromium, which is absent")
    pytest.skip("no Chromium here; `make test` brings one")


@dataclass(frozen=True)
class RunningCity:
    """A node in a process of its own: Paris with Geod'air's and Autolib's recordings, and a token of each kind."""

    folder: Path
    url: str
    sender: str
    officer: str
    imported: datetime

    def client(self) -> httpx.Client:
        """Asks below `/api/v1`."""
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=30)


@pytest.fixture(scope="session")
def paris(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Iterator[RunningCity]:
    """A running Paris whose feed of maxima is declared `derived`, so that its rows may not leave."""
    base = tmp_path_factory.mktemp("running")
    declared = (checkout / "cities" / "paris.toml").read_text(encoding="utf-8")
    before, maxima, after = declared.partition('id = "geodair-no2-max"')
    city_file = base / "paris.toml"
    city_file.write_text(before + maxima + after.replace('= "yes"', '= "derived"', 1), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder, url = base / "paris", f"http://127.0.0.1:{port}"
    create_folder(folder, city_file)
    archive = open_archive(folder)
    imported = datetime.now(UTC)
    for feed, file in (
        ("geodair-no2-mean", "geodair_no2/pollution_paris_no2_daily_clean.csv"),
        ("geodair-no2-max", "geodair_no2/no2_donors_paris_daily_clean.csv"),
        ("autolib-stations", "autolib/autolib_snapshot_2018-02-23.csv"),
    ):
        path = checkout / "data" / file
        archive.admit(archive.keep(feed, Reply(path.read_bytes(), imported, name=path.name)).reply_id)
    _, sender = archive.create_token(name="sender", scope=Scope.OBSERVATIONS, feed="bike-counters")
    _, officer = archive.create_token(name="officer", scope=Scope.OFFICER)
    archive.close()
    command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(port)]
    with (base / "node.log").open("wb") as log, subprocess.Popen(command, stderr=log) as node:
        deadline = time.monotonic() + 60
        while find_node(folder) is None and time.monotonic() < deadline:
            assert node.poll() is None, (base / "node.log").read_text(encoding="utf-8")
            time.sleep(0.05)
        yield RunningCity(folder, url, sender, officer, imported)
        node.terminate()
        assert node.wait(30) == 0, (base / "node.log").read_text(encoding="utf-8")
