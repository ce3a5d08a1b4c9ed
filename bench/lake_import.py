"""Bulk import through `load` beside DuckLake's own insert of the same batches, in one run.

    .venv/bin/python bench/lake_import.py --rows 20000000

Observations are synthetic: 2,000 series of quarter-hours, one decimal, as one time step after
another. "Raw" is DuckLake with its default settings and nothing checked.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from _lake_page import Section
from passerelle.lake.catalogue import Catalogue
from passerelle.lake.contract import Origin
from passerelle.lake.ducklake import open_lake
from passerelle.lake.rows import with_origin
from passerelle.model.observation import OBSERVATION, TIME

PAGE = Section("import", "Bulk import")
SERIES = np.sort(np.random.default_rng(1).integers(0, 2**62, 2_000))
STEP = 900_000_000
FIRST = 1_577_836_800_000_000
BATCH = 1_000_000


def make_batch(number: int) -> pa.RecordBatch:
    """A million observations: 500 time steps of every series."""
    steps = BATCH // len(SERIES)
    series = np.tile(SERIES, steps)
    start = FIRST + STEP * np.repeat(np.arange(number * steps, (number + 1) * steps), len(SERIES))
    noise = np.random.default_rng(number).random(BATCH)
    value = np.round(50 + 40 * np.sin(np.arange(BATCH) / 500) + 10 * noise, 1)
    columns = [series, pa.array(start).cast(TIME), pa.array(start + STEP).cast(TIME), value]
    return pa.record_batch([*columns, pa.nulls(BATCH, pa.string())], schema=OBSERVATION)


def reader(count: int, spent: list[float]) -> pa.RecordBatchReader:
    """`count` batches; the seconds that making them took are added to `spent`."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(count):
            began = time.perf_counter()
            batch = make_batch(number)
            spent.append(time.perf_counter() - began)
            yield batch

    return pa.RecordBatchReader.from_batches(OBSERVATION, batches())


def origin(key: str) -> Origin:
    """An origin known since now."""
    return Origin(1, datetime.now(UTC), key, b"digest")


def insert_raw(folder: Path, count: int) -> float:
    """Seconds that DuckLake takes to insert the batches in one transaction."""
    catalogue = Catalogue(folder, threads=2, memory="1GB")
    spent: list[float] = []
    with catalogue.cursor() as cursor:
        columns = 'series BIGINT, start TIMESTAMPTZ, "end" TIMESTAMPTZ, value DOUBLE, reason VARCHAR'
        cursor.execute(f"CREATE TABLE lake.raw ({columns}, known_since TIMESTAMPTZ, source BIGINT)")
        cursor.execute("CALL lake.set_option('parquet_compression', 'snappy', table_name => 'raw')")
        began = time.perf_counter()
        cursor.execute("BEGIN")
        for batch in reader(count, spent):
            cursor.register("batch", with_origin(pa.Table.from_batches([batch]), origin("raw")))
            cursor.execute("INSERT INTO lake.raw SELECT * FROM batch")
            cursor.unregister("batch")
        cursor.execute("COMMIT")
        seconds = time.perf_counter() - began
    catalogue.close()
    return seconds - sum(spent)


def report(what: str, rows: int, seconds: float, raw: float) -> None:
    """Print one line of the table."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    PAGE.say(
        f"{what:28} {seconds:7.2f} s {rows / seconds:12,.0f} rows/s {raw / seconds:6.1%} of raw  peak {peak:,.0f} MiB"
    )


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    count = max(1, arguments.rows // BATCH)
    rows = count * BATCH
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="lake-import-"))
    try:
        # In a process of its own, so that the peak of memory below is that of `load`.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            raw = other.submit(insert_raw, folder / "raw", count).result()
        report("raw DuckLake insert", rows, raw, raw)
        lake = open_lake(folder / "lake")
        for what, key in (("load", "first"), ("load of the same, new key", "again"), ("load, same key", "first")):
            spent: list[float] = []
            began = time.perf_counter()
            lake.load(reader(count, spent), origin(key))
            report(what, rows, time.perf_counter() - began - sum(spent), raw)
        began = time.perf_counter()
        lake.compact()
        PAGE.say(f"compaction {time.perf_counter() - began:.1f} s")
        parquet = sum(path.stat().st_size for path in (folder / "lake" / "data").rglob("*.parquet"))
        PAGE.say(f"{parquet / rows:.2f} bytes an observation")
        lake.close()
    finally:
        shutil.rmtree(folder)
    PAGE.write()


if __name__ == "__main__":
    main()
