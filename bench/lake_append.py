"""Durable appends a second at the lake's own door, with filing and compaction under way.

    .venv/bin/python bench/lake_append.py --seconds 60

Batches are 10,000 observations of 10,000 series (one time step); singles come from 16 threads,
each waiting for its receipt before the next. Values are synthetic.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from _lake_page import Section
from passerelle.lake.contract import Origin, Selection
from passerelle.lake.ducklake import DuckLakeStore, open_lake
from passerelle.model.errors import BacklogFullError
from passerelle.model.observation import OBSERVATION, TIME

PAGE = Section("append", "Durable appends")
SERIES = np.sort(np.random.default_rng(1).integers(0, 2**62, 10_000))
STEP = 900_000_000
FIRST = 1_600_000_000_000_000


def make_batch(step: int) -> pa.Table:
    """One value of each series at time step `step`."""
    start = np.full(len(SERIES), FIRST + step * STEP)
    value = np.round(50 + 40 * np.sin(step / 96 + np.arange(len(SERIES))), 1)
    columns = [SERIES, pa.array(start).cast(TIME), pa.array(start + STEP).cast(TIME), value]
    return pa.table([*columns, pa.nulls(len(SERIES), pa.string())], schema=OBSERVATION)


def run_threads(count: int, seconds: float, work: Callable[[int, list[float]], None]) -> list[float]:
    """The seconds that each call of `work` took, made by `count` threads in turn for `seconds`."""
    taken: list[list[float]] = [[] for _ in range(count)]
    end = time.perf_counter() + seconds

    def repeat(number: int) -> None:
        turn = 0
        while time.perf_counter() < end:
            work(number + count * turn, taken[number])
            turn += 1

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for one in taken for seconds in one]


def measure(lake: DuckLakeStore, seconds: float) -> None:
    """Print what batches and singles reach."""
    refused = 0

    def append_batch(turn: int, taken: list[float]) -> None:
        nonlocal refused
        rows = make_batch(turn)
        began = time.perf_counter()
        try:
            lake.append(rows, Origin(1, datetime.now(UTC), f"batch {turn}", b"digest"))
        except BacklogFullError:
            refused += 1
            time.sleep(0.1)
        else:
            taken.append(time.perf_counter() - began)

    def append_one(turn: int, taken: list[float]) -> None:
        began = time.perf_counter()
        start = FIRST - STEP * (1 + turn // len(SERIES))
        number = int(SERIES[turn % len(SERIES)])
        lake.submit_one(number, start, start + STEP, 20.5, Origin(1, datetime.now(UTC), f"one {turn}", b"")).result()
        taken.append(time.perf_counter() - began)

    for label, threads, work, rows in (("batches of 10,000", 4, append_batch, 10_000), ("singles", 16, append_one, 1)):
        began = time.perf_counter()
        taken = run_threads(threads, seconds, work)
        elapsed = time.perf_counter() - began
        pending = lake.size().pending_rows
        lake.flush()
        taken.sort()
        PAGE.say(
            f"{label:20} {len(taken) * rows / elapsed:12,.0f} observations/s"
            f"   p50 {statistics.median(taken) * 1e3:.1f} ms   p99 {taken[int(len(taken) * 0.99)] * 1e3:.1f} ms"
            f"   refused {refused}   pending {pending:,}   files {lake.size().files}"
        )


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="lake-append-"))
    lake = open_lake(folder / "lake")
    try:
        measure(lake, arguments.seconds)
        taken = []
        for _ in range(200):
            began = time.perf_counter()
            lake.latest()
            taken.append(1e3 * (time.perf_counter() - began))
        PAGE.say(
            f"latest, {len(SERIES):,} series   p50 {statistics.median(taken):.1f} ms   p99 {sorted(taken)[197]:.1f} ms"
        )
        lake.flush()
        held, some = lake.coverage(), [int(number) for number in SERIES[:10]]
        PAGE.say(f"held {sum(held['rows'].to_pylist()):,} rows; read back {lake.read(Selection(some)).num_rows:,}")
    finally:
        lake.close()
        shutil.rmtree(folder)
    PAGE.write()


if __name__ == "__main__":
    main()
