"""The process that owns a folder: alone, found by others, gone when told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from passerelle.archive.folder import create_folder, find_node

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
