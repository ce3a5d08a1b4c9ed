"""Writes to the lake in a folder until it is killed, and logs each key that was acknowledged.

    python lake_writer.py FOLDER LOG FIRST

Batch `n` holds `ROWS` observations of series `n`, and one more that revises the first of batch
`n - 1`. Keys count up from FIRST; each of the threads takes the next.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from passerelle.lake.contract import Origin
from passerelle.lake.ducklake import DuckLakeStore, open_lake
from passerelle.model.observation import OBSERVATION, TIME

ROWS = 50
MINUTE = 60_000_000


def make_batch(number: int) -> pa.Table:
    """The rows of batch `number`."""
    starts = [minute * MINUTE for minute in range(ROWS)] + [0]
    columns = [
        pa.array([number] * ROWS + [number - 1], pa.int64()),
        pa.array(starts, pa.int64()).cast(TIME),
        pa.array([start + MINUTE for start in starts], pa.int64()).cast(TIME),
        pa.array([float(number)] * (ROWS + 1)),
        pa.nulls(ROWS + 1, pa.string()),
    ]
    return pa.table(columns, schema=OBSERVATION)


def write(lake: DuckLakeStore, log: int, first: int) -> None:
    """Append, load, file and compact in threads, for ever."""
    numbers = itertools.count(first)

    def repeat(send: Callable[[pa.Table, Origin], object]) -> None:
        while True:
            number = next(numbers)
            send(make_batch(number), Origin(number, datetime.now(UTC), f"key {number}", b"digest"))
            os.write(log, f"{number}\n".encode())

    def load(rows: pa.Table, origin: Origin) -> None:
        lake.load(rows.to_reader(), origin)

    def work() -> None:
        while True:
            lake.flush()
            lake.compact()

    threads = [threading.Thread(target=repeat, args=(send,)) for send in (lake.append, lake.append, load)]
    for thread in [*threads, threading.Thread(target=work)]:
        thread.start()


if __name__ == "__main__":
    folder, path, start = sys.argv[1:]
    # From here on, opening the folder included, it may be killed; loading the libraries is nobody's test.
    print("begun", flush=True)
    write(open_lake(Path(folder)), os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), int(start))
