"""A lake whose process is killed at any moment keeps what it acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pytest

from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import open_lake

WRITER = Path(__file__).with_name("lake_writer.py")
ROWS = 50
LONGEST_SECONDS = 4.0


def run_until_killed(folder: Path, log: Path, first: int, seconds: float) -> None:
    """Let the writer run for `seconds` after it began to open the lake, then kill it."""
    command = [sys.executable, WRITER, folder, log, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"begun\n"
        time.sleep(seconds)
        assert writer.poll() is None, writer.stderr.read().decode() if writer.stderr else ""
        writer.send_signal(signal.SIGKILL)


def check(folder: Path, acknowledged: set[int]) -> int:
    """The greatest batch held, after every promise of the lake was checked."""
    lake = open_lake(folder)
    history, current = lake.history(Selection()), lake.read(Selection())
    latest = lake.latest()
    lake.close()
    # Of each batch: its own rows all or none, each once, and as often the one row with which it revises.
    counts = history.group_by("source").aggregate([([], "count_all")]).to_pydict()
    held = dict(zip(counts["source"], counts["count_all"], strict=True))
    assert acknowledged - held.keys() == set()
    assert set(held.values()) <= {ROWS + 1}
    versions = history.group_by(["series", "start", "source"]).aggregate([([], "count_all")])
    assert pc.max(versions["count_all"]).as_py() in {1, None}
    keys = current.group_by(["series", "start"]).aggregate([([], "count_all")])
    assert keys.num_rows == current.num_rows
    assert latest.num_rows == len(set(current["series"].to_pylist()))
    return max(held, default=0)


def torture(folder: Path, kills: int, seed: int) -> None:
    """Kill the writer `kills` times over one folder, with a check after each."""
    log, seconds = folder.with_suffix(".log"), random.Random(seed)
    log.touch()
    last = 0
    for _ in range(kills):
        run_until_killed(folder, log, last + 1000, seconds.uniform(0.05, LONGEST_SECONDS))
        acknowledged = {int(line) for line in log.read_text().split("\n")[:-1]}
        last = max(check(folder, acknowledged), last)
    assert acknowledged


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Killed while it appends, loads, files, compacts or opens, it has every acknowledged row once and none twice."""
    torture(tmp_path / "lake", kills=4, seed=1)


@pytest.mark.torture
@pytest.mark.timeout(7200)
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    """The same, 200 times over one folder."""
    torture(tmp_path / "lake", kills=200, seed=2)
