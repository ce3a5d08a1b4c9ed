# ruff: noqa: S608 - the SQL below is put together from numbers in this file only.
"""Reads of a lake of 100 million rows, before and after compaction.

    .venv/bin/python bench/lake_read.py --rows 100000000

Rows are synthetic and made inside DuckDB: a year of quarter-hours of 2,854 series, one file a day;
5 % of them were revised a month later.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from _lake_page import Section
from passerelle.lake.catalogue import Catalogue
from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import DuckLakeStore, open_lake
from passerelle.model.quantity import Statistic

PAGE = Section("read", "Reads")
DAYS = 365
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
REVISED = 20
"""One row in so many was revised."""


def make_lake(folder: Path, series: int) -> None:
    """A year of quarter-hours of `series` series in `folder`, a file a day."""
    open_lake(folder).close()
    catalogue = Catalogue(folder, threads=2, memory="1GB")
    rows = f"""
        SELECT ((s * 7046029254386353131::HUGEINT) % 4611686018427387904)::BIGINT AS series,
            TIMESTAMPTZ '{FIRST.isoformat()}' + to_minutes((1440 * $day + 15 * q)::BIGINT) AS start,
            start + INTERVAL 15 MINUTE AS "end",
            round(50 + 40 * sin(q / 15.0 + s) + (hash(s, q, $day) % 1000) / 100.0, 1) AS value,
            NULL::VARCHAR AS reason, start + INTERVAL 20 MINUTE AS first_known, $day::BIGINT AS source,
            hash(q, s, $day) % {REVISED} = 0 AS revised
        FROM range({series}) a(s), range(96) b(q)"""
    with catalogue.cursor() as cursor:
        for day in range(DAYS):
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE made AS {rows.replace('$day', str(day))}")
            cursor.execute(
                'INSERT INTO lake.current SELECT series, start, "end", value, reason, '
                "if(revised, first_known + INTERVAL 30 DAY, first_known), source FROM made"
            )
            cursor.execute(
                'INSERT INTO lake.superseded SELECT series, start, "end", value + 1, reason, first_known, source, '
                "first_known + INTERVAL 30 DAY, 1 FROM made WHERE revised"
            )
    catalogue.close()


def timed(times: int, work: Callable[[], object]) -> list[float]:
    """The milliseconds of each of `times` calls, ascending."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - began))
    return sorted(taken)


def report(what: str, taken: list[float]) -> None:
    """Print one line of the table."""
    p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
    PAGE.say(f"{what:44} p50 {statistics.median(taken):8.1f} ms   p99 {p99:8.1f} ms")


def measure_series(lake: DuckLakeStore, times: int, state: str) -> None:
    """A year of one series, another each time, now and as known at mid-year."""
    numbers, chosen = lake.coverage()["series"].to_pylist(), random.Random(1)
    known = FIRST + timedelta(days=180)
    for what, moment in (("current", None), ("as known", known)):
        read = lambda moment=moment: lake.read(  # noqa: E731
            Selection([chosen.choice(numbers)], FIRST, FIRST + timedelta(days=DAYS), moment)
        )
        report(f"series-year, {what}, {state}", timed(times, read))


def measure_city(lake: DuckLakeStore, catalogue_of: Path) -> None:
    """The hourly mean over all series beside a plain AVG of the same files that ignores revisions."""
    lake_mean = lambda moment: lake.aggregate(  # noqa: E731
        Selection(as_known_at=moment), "PT1H", Statistic.MEAN, zone=ZoneInfo("Europe/Paris"), by_series=False
    )
    current = timed(3, lambda: lake_mean(None))
    known = timed(3, lambda: lake_mean(FIRST + timedelta(days=180)))
    daily = timed(
        3, lambda: lake.aggregate(Selection(), "P1D", Statistic.MEAN, zone=ZoneInfo("Europe/Paris"), by_series=False)
    )
    coverage = timed(3, lake.coverage)
    lake.close()
    catalogue = Catalogue(catalogue_of, threads=2, memory="1GB")
    sql = "SELECT epoch_us(start) // 3600000000 AS hour, avg(value) FROM lake.current GROUP BY hour"
    with catalogue.cursor() as cursor:
        plain = timed(3, lambda: cursor.execute(sql).to_arrow_table())
    catalogue.close()
    report("plain hourly AVG", plain)
    for what, taken in (("now", current), ("as known", known)):
        report(f"city-wide hourly mean, {what}", taken)
        PAGE.say(f"{'':44} {statistics.median(taken) / statistics.median(plain):.1f}x of plain")
    report("city-wide daily mean, local days", daily)
    report("coverage of all series", coverage)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="lake-read-"))
    series = max(1, arguments.rows // (DAYS * 96))
    try:
        began = time.perf_counter()
        make_lake(folder / "lake", series)
        PAGE.say(f"made {series * DAYS * 96:,} rows in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        lake = open_lake(folder / "lake", compact_seconds=1e6)
        PAGE.say(f"opened in {time.perf_counter() - began:.2f} s; {lake.size().files} files")
        measure_series(lake, max(20, arguments.times // 5), f"{DAYS} daily files")
        began = time.perf_counter()
        lake.compact()
        PAGE.say(f"compacted in {time.perf_counter() - began:.0f} s; {lake.size().files} files")
        measure_series(lake, arguments.times, "compacted")
        report("latest of all series", timed(100, lake.latest))
        parquet = sum(path.stat().st_size for path in (folder / "lake" / "data").rglob("*.parquet"))
        PAGE.say(f"{parquet / (series * DAYS * 96 * (1 + 1 / REVISED)):.2f} bytes a version")
        measure_city(lake, folder / "lake")
    finally:
        shutil.rmtree(folder)
    PAGE.write()


if __name__ == "__main__":
    main()
