"""How long all checks take over the demo's cities, with their peak memory, and what one new reply costs a series.

Writes bench/trust.md. Each city is judged in a process of its own, from a folder into which its recordings were
imported and of which nothing was judged. A new reply is the next value of every series of a feed at once.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from machine import describe
from passerelle.archive.admission import Sender
from passerelle.archive.archive import Archive
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.lake.contract import Selection
from passerelle.model.observation import OBSERVATION
from passerelle.registry.series import list_numbers
from passerelle.trust.keeping import Keeper, Touched

HERE = Path(__file__).parent
CITIES = ("paris", "san-francisco")
TOUCHED = {"paris": ("bike-counters", "eco2mix"), "san-francisco": ("eia930-pge", "sfpark-garages")}
_SOURCE = 10**9


def import_city(city: str, folder: Path) -> None:
    """The city's recordings, admitted."""
    create_folder(folder, city)
    archive = open_archive(folder)
    for bundle in archive.city.bundles:
        path = find_data_file(bundle.path)
        reply = Reply(path.read_bytes(), bundle.recorded_at or datetime.now(UTC), name=path.name)
        archive.admit(archive.keep(bundle.feed, reply, recorded=bundle.recorded_at is not None).reply_id)
    archive.close()


def judge_city(city: str, folder: Path) -> dict[str, object]:
    """Seconds by the clock and of processor for all checks on all feeds, peak memory, and the cost of new replies."""
    archive = open_archive(folder)
    keeper = Keeper(archive)
    series, clock, processor = 0, time.perf_counter(), time.process_time()
    for feed in archive.city.feeds:
        series += keeper.judge_whole(feed.id)
    found: dict[str, object] = {
        "city": city,
        "series": series,
        "observations": archive.lake.size().current_rows,
        "seconds": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
        "touched": [touch(archive, keeper, feed_id) for feed_id in TOUCHED[city]],
    }
    found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    archive.close()
    return found


def touch(archive: Archive, keeper: Keeper, feed_id: str) -> dict[str, object]:
    """One more value of each of the feed's series, and what judging them again takes, by the clock and of processor."""
    with archive.engine.connect() as connection:
        numbers = list_numbers(connection, feed=feed_id)
    latest = archive.lake.latest(Selection(numbers)).to_pylist()
    newest = max(row["start"] for row in latest)
    rows = [row for row in latest if newest - row["start"] < timedelta(days=31)]
    lengths = [row["end"] - row["start"] for row in rows]
    table = pa.table(
        {
            "series": [row["series"] for row in rows],
            "start": [row["end"] for row in rows],
            "end": [row["end"] + length for row, length in zip(rows, lengths, strict=True)],
            "value": [row["value"] for row in rows],
            "reason": [None] * len(rows),
        },
        schema=OBSERVATION,
    )
    archive.receive(table, Sender(feed_id, _SOURCE), None, b"bench")
    start = min(row["end"] for row in rows)
    held = archive.lake.read(Selection([row["series"] for row in rows])).num_rows
    clock, processor = time.perf_counter(), time.process_time()
    judged = keeper.judge_touched(feed_id, Touched(numbers, frozenset({_SOURCE})), start)
    return {
        "feed": feed_id,
        "series": judged,
        "observations": int(np.round(held / max(judged, 1))),
        "ms": 1000 * (time.perf_counter() - clock) / judged,
        "processor_ms": 1000 * (time.process_time() - processor) / judged,
    }


def write_page(found: list[dict[str, object]]) -> str:
    """The page of results."""
    whole = [
        f"| all checks, {one['city']}: {one['series']:,} series, {one['observations']:,} observations | "
        f"{one['seconds']:.1f} s | {one['processor']:.1f} s | {one['megabytes']:.0f} MB |"
        for one in found
    ]
    sums = [sum(float(str(one[name])) for one in found) for name in ("seconds", "processor")]
    most = max(float(str(one["megabytes"])) for one in found)
    whole.append(
        f"| both, one after the other (reach: ≤ 20 s, ≤ 1,024 MB) | {sums[0]:.1f} s | {sums[1]:.1f} s | {most:.0f} MB |"
    )
    touched = [
        f"| {row['feed']}: {row['series']} series of {row['observations']:,} observations | "
        f"{row['ms']:.1f} ms | {row['processor_ms']:.1f} ms |"
        for one in found
        for row in one["touched"]  # type: ignore[attr-defined]
    ]
    return "\n".join(
        [
            "# Trust",
            "",
            "`.venv/bin/python bench/run.py trust`, each city in a process of its own, from imported recordings, on",
            f"{describe()}.",
            f"Load on the machine, processes that ran or waited over the last minute: {os.getloadavg()[0]:.1f}.",
            "Where that is more than its cores, the processor's column says what a quiet machine would take.",
            "",
            "| what | by the clock | of processor | peak memory |",
            "|---|---|---|---|",
            *whole,
            "",
            "After one new reply, for each series that it touched (reach: ≤ 50 ms):",
            "",
            "| feed | by the clock | of processor |",
            "|---|---|---|",
            *touched,
            "",
        ]
    )


def main() -> None:
    """Measure both cities and write the page."""
    if len(sys.argv) == 4:
        step, city, folder = sys.argv[1:]
        if step == "import":
            import_city(city, Path(folder))
        else:
            print(json.dumps(judge_city(city, Path(folder))))
        return
    found = []
    with tempfile.TemporaryDirectory() as base:
        for city in CITIES:
            folder = str(Path(base) / city)
            subprocess.run([sys.executable, __file__, "import", city, folder], check=True)
            command = [sys.executable, __file__, "judge", city, folder]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found.append(json.loads(answer.splitlines()[-1]))
    page = write_page(found)
    (HERE / "trust.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
