"""The process that owns a folder: alone, found by others, gone when told."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from passerelle import app
from passerelle.archive.archive import Archive
from passerelle.archive.folder import CITY, create_folder, find_node
from passerelle.archive.opening import open_archive
from passerelle.model.errors import StorageFullError

PORT = 18220


def start(folder: Path, port: int = PORT) -> subprocess.Popen[str]:
    """A node on `folder`."""
    command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(port)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty Paris."""
    create_folder(tmp_path / "paris", "paris")
    return tmp_path / "paris"


@pytest.fixture
def node(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A node on it that answers."""
    with start(folder) as process:
        deadline = time.monotonic() + 60
        while find_node(folder) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield process
        process.kill()


def test_a_second_process_says_who_owns_the_folder(folder: Path, node: subprocess.Popen[str]) -> None:
    """A second node on the folder ends with exit code 1 and one line that names the first's process and address."""
    second = start(folder, PORT + 1)
    _, told = second.communicate(timeout=60)
    assert second.returncode == 1
    assert str(node.pid) in told
    assert f"http://127.0.0.1:{PORT}" in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_though_somebody_listens(
    folder: Path, node: subprocess.Popen[str], number: signal.Signals
) -> None:
    """With a listener connected a signal ends the node within seconds, exit code 0, its note taken back."""
    with httpx.stream("GET", f"http://127.0.0.1:{PORT}/api/v1/events", timeout=30) as events:
        lines = events.iter_lines()
        assert next(lines).startswith("retry")
        began = time.monotonic()
        node.send_signal(number)
        assert node.wait(20) == 0
    assert time.monotonic() - began < 10
    assert not (folder / "node.json").exists()
    assert node.stderr is not None
    logged = [json.loads(line) for line in node.stderr.read().splitlines()]
    assert [entry["event"] for entry in logged] == ["ready", "stopped"]


def test_a_taken_port_is_said(folder: Path) -> None:
    """Where something listens already the node doesn't share the port: it says so and ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        process = start(folder)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"127.0.0.1:{PORT}" in told


def test_a_killed_node_leaves_nothing_in_the_way(folder: Path, node: subprocess.Popen[str]) -> None:
    """After kill -9 the note it left fools nobody, and the next node starts."""
    node.kill()
    node.wait()
    assert (folder / "node.json").exists()
    assert find_node(folder) is None
    with start(folder) as second:
        deadline = time.monotonic() + 60
        while find_node(folder) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert httpx.get(f"http://127.0.0.1:{PORT}/health").json()["status"] == "ok"
        second.terminate()
        assert second.wait(20) == 0


class _Failing:
    """An archive whose bytes can't be dropped for a while; all else is the archive's own."""

    def __init__(self, archive: Archive, errors: list[Exception]) -> None:
        self.disk, self.resume = archive.disk, archive.resume
        self._archive, self._errors = archive, errors
        self.rounds = 0

    def drop_old_bytes(self) -> None:
        """Raise the next error, as long as there is one."""
        self.rounds += 1
        if self._errors:
            raise self._errors.pop(0)
        self._archive.drop_old_bytes()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping every 10 ms."""
    for name in ("_LOOK_SECONDS", "_AGAIN_SECONDS", "_KEEP_HOUSE_SECONDS"):
        monkeypatch.setattr(app, name, 0.01)


@pytest.mark.usefixtures("quick")
def test_housekeeping_outlives_a_full_disk(folder: Path) -> None:
    """After a full disk, a file that can't be written and a registry that can't either, the next rounds are done."""
    archive = open_archive(folder)
    refused = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    failing: Any = _Failing(archive, [StorageFullError("full", where="x"), OSError(28, "No space"), refused])

    async def keep() -> None:
        async with asyncio.timeout(10):
            task = asyncio.create_task(app.keep_house(failing))
            while failing.rounds < 6 and not task.done():
                await asyncio.sleep(0.01)
            assert not task.done()
            task.cancel()

    asyncio.run(keep())
    archive.close()


@pytest.mark.usefixtures("quick")
def test_a_node_whose_own_work_fails_ends(folder: Path) -> None:
    """A defect in the housekeeping ends the node, and is raised."""
    archive = open_archive(folder)
    failing: Any = _Failing(archive, [ValueError("a defect")])
    failing.__dict__ |= {
        name: getattr(archive, name) for name in ("city", "engine", "key", "lake", "events", "folder", "clock")
    }
    failing.announce = archive.announce
    with pytest.raises(ValueError, match="a defect"):
        asyncio.run(asyncio.wait_for(app.serve(failing, "127.0.0.1", PORT + 2), 30))
    archive.close()


def test_a_retention_that_means_nothing_is_told_at_the_start(folder: Path) -> None:
    """`keep_days = 0` in the city file: exit code 1 and a line that names the feed and the key, before any answer."""
    city = folder / CITY
    before, table, after = city.read_text(encoding="utf-8").partition("[feed.parameters]\n")
    city.write_text(before + table + "keep_days = 0\n" + after, encoding="utf-8")
    process = start(folder)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(r"feed '[a-z0-9-]+': keep_days is 0", told)
