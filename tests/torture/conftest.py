"""A real node in a process of its own, which can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.registry.tokens import Scope

FEED, QUANTITY, CITY = "bike-counters", "bicycle_count", "paris"
SERVE = "import sys; from pathlib import Path; from passerelle.app import run_node; "
SERVE += "run_node(Path(sys.argv[1]), port=int(sys.argv[2]))"
EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
READY_SECONDS = 600
PATIENCE_SECONDS = 600
"""How long an answer is waited for: what is asked here is what comes, not when."""


class NodeProcess:
    """`passerelle.app.run_node` on `folder`, with what a sender needs to write to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        create_folder(folder, CITY)
        archive = open_archive(folder)
        try:
            _, self.secret = archive.create_token(name="sender", scope=Scope.OBSERVATIONS, feed=FEED, expires=None)
        finally:
            archive.close()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api/v1"
        self.headers = {"authorization": f"Bearer {self.secret}"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return once it answers."""
        with (self.folder.parent / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.folder), str(self.port)], stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        pytest.fail(f"not ready within {READY_SECONDS} s: {self.log()}")

    def kill(self) -> None:
        """What a power cut does to a process."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit code after the signal."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        code = self.process.wait(READY_SECONDS)
        self.process = None
        return code

    def log(self) -> str:
        """The last of what the node logged."""
        return (self.folder.parent / "node.log").read_text(encoding="utf-8")[-3000:]

    def register(self, place: str) -> str:
        """The id of a new series of hourly counts at `place`."""
        body = {"place": {"id": place, "kind": "counter", "name": place}, "quantity": QUANTITY, "facet": ""}
        answer = httpx.post(f"{self.api}/series", json=body, headers=self.headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read_versions(self, series: str) -> pl.DataFrame:
        """Every version of the series: `start` as hours since EPOCH, and `value`."""
        whole = {"format": "parquet", "versions": "true"}
        answer = httpx.get(f"{self.api}/series/{series}/observations", params=whole, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 200, answer.text
        hour = ((pl.col("start") - EPOCH) / timedelta(hours=1)).cast(pl.Int64)
        return pl.read_parquet(answer.content).select(hour.alias("hour"), "value")


@pytest.fixture
def node_in() -> Iterator[Callable[[Path], NodeProcess]]:
    """Makes a city's folder at a path, and the process that is to own it; what still runs at the end is killed."""
    made: list[NodeProcess] = []

    def make(folder: Path) -> NodeProcess:
        made.append(NodeProcess(folder))
        return made[-1]

    yield make
    for node in made:
        if node.process is not None:
            node.kill()


@pytest.fixture
def observation() -> Callable[[str, int], dict[str, object]]:
    """The observation that says `hour` as its value, of the hour that many hours after EPOCH."""

    def make(series: str, hour: int) -> dict[str, object]:
        start = EPOCH + timedelta(hours=hour)
        return {
            "series": series,
            "start": start.isoformat(),
            "end": (start + timedelta(hours=1)).isoformat(),
            "value": hour % 20_000,
        }

    return make
