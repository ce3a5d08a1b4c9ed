"""What the trust checks find in real recordings, and how long they take; rewrites its parts of docs/trust.md.

Faults (`trust_faults.csv`) were known before the checks were written, from the data's cards or a look at the rows; no
check has a rule for one. Clean series (`trust_clean.csv`) were judged so by looking at their rows: what a check marks
there is false, but for holes, which are facts.
"""

from __future__ import annotations

import csv
import os
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from tests.trust import real  # noqa: E402  needs the checkout on the path

from passerelle.feeds.city import read_city  # noqa: E402
from passerelle.trust.check import FeedRecord, Mark, Record  # noqa: E402
from passerelle.trust.judge import judge_feed, judge_series  # noqa: E402
from passerelle.trust.light import Judged, merge  # noqa: E402
from passerelle.trust.words import to_time  # noqa: E402

PAGE = HERE.parent / "docs" / "trust.md"
CITIES = ("paris", "san-francisco", "reference")
ABSENT = ("gaps", "dst")
"""Checks whose marks say that rows are not there: true by counting."""
YEAR = timedelta(days=365.25)
LOADERS: dict[str, Callable[[], FeedRecord]] = {
    "traffic": real.traffic,
    "velib_2022": real.velib_2022,
    "velib_2025": real.velib_2025,
    "baywheels": real.baywheels,
    "caiso": real.caiso,
    "bins": real.bins,
    "bwdf": real.bwdf,
    "no2_hourly": real.no2_hourly,
    "france_load": real.france_load,
    "l-town": real.battledim,
    "counters_2020": lambda: real.covid_daily("StationDailyTimeSeriesCounters"),
    "velib_movements_2020": lambda: real.covid_daily("StationDailyTimeSeries"),
}


@cache
def load(data: str) -> FeedRecord:
    """What a loader of the tests reads, or a shipped feed by its id."""
    if data in LOADERS:
        return LOADERS[data]()
    cities = {feed.id: city for city in CITIES for feed in read_city(HERE.parent / "cities" / f"{city}.toml").feeds}
    return real.shipped(cities[data], data)


@cache
def judge(data: str) -> list[Judged]:
    """All that all checks find."""
    feed = load(data)
    return [*(one for record in feed.records for one in judge_series(record)), *judge_feed(feed)]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table beside this program."""
    return list(csv.DictReader((HERE / name).read_text(encoding="utf-8").splitlines()))


def label(record: Record) -> str:
    """What the patterns of the tables are matched with."""
    return f"{record.series.place} {record.series.quantity}/{record.series.facet}"


def faults() -> Iterator[tuple[str, ...]]:
    """Each known fault: what found it, how much of it, and whether that is enough."""
    for row in rows("trust_faults.csv"):
        labels = {record.series.number: label(record) for record in load(row["data"]).records}
        found = [
            one
            for one in judge(row["data"])
            if one.check == row["check"]
            and row["says"] in one.mark.reason["en"]
            and (not row["since"] or one.mark.end.isoformat() > row["since"])
            and (not row["until"] or one.mark.start.isoformat() < row["until"])
            and (not row["place"] or any(row["place"] in labels[number] for number in one.series or ()))
        ]
        series = {number for one in found for number in one.series or ()}
        count = len(series) if row["counts"] == "series" else len({(one.mark.start, one.series) for one in found})
        lights = ", ".join(sorted({one.mark.light.value for one in found}))
        yield (
            row["fault"],
            f"`{row['check']}`",
            f"{count:,} {row['counts']}",
            lights,
            "found" if count >= int(row["fewest"]) else "missed",
        )


def clean() -> Iterator[tuple[str, ...]]:
    """Each set of clean series: how many, for how long, and what was marked there."""
    for row in rows("trust_clean.csv"):
        feed = load(row["data"])
        chosen = {
            record.series.number
            for record in feed.records
            if re.search(row["series"], label(record)) and not (row["but"] and re.search(row["but"], label(record)))
        }
        years = sum(
            (to_time(int(one.end[-1])) - to_time(int(one.start[0]))) / YEAR
            for one in feed.records
            if one.series.number in chosen and len(one.start)
        )
        marks = [
            (one.check, number, one.mark)
            for one in judge(row["data"])
            for number in one.series or ()
            if number in chosen and not _is_known(row["data"], one)
        ]
        false = _merged([mark for mark in marks if mark[0] not in ABSENT])
        listed = ", ".join(f"{check} {count}" for check, count in sorted(false.items())) or "none"
        holes = sum(_merged([mark for mark in marks if mark[0] in ABSENT]).values())
        rate = sum(false.values()) / years
        yield (row["data"], row["why"], f"{len(chosen):,}", f"{years:,.0f}", f"{holes:,}", listed, f"{rate:.2f}")


def _is_known(data: str, one: Judged) -> bool:
    """Whether the mark is on the days of Autolib's outage, which are not clean."""
    outage = (datetime.fromisoformat("2018-02-23T23:00Z"), datetime.fromisoformat("2018-02-27T23:00Z"))
    return data == "autolib-events" and one.mark.start < outage[1] and outage[0] < one.mark.end


def _merged(marks: list[tuple[str, int, Mark]]) -> Counter[str]:
    """How many separate intervals each check marked, series by series."""
    spans: dict[tuple[str, int], list[tuple[datetime, datetime]]] = {}
    for check, number, mark in marks:
        spans.setdefault((check, number), []).append((mark.start, mark.end))
    counts: Counter[str] = Counter()
    for (check, _), of in spans.items():
        counts[check] += len(merge(of))
    return counts


def speed() -> Iterator[tuple[str, ...]]:
    """Each demo city: series, observations, seconds for all checks, and milliseconds a series after a reply."""
    for city in CITIES:
        declared = read_city(HERE.parent / "cities" / f"{city}.toml")
        feeds = [real.shipped(city, name) for name in dict.fromkeys(one.feed for one in declared.bundles)]
        records = [record for feed in feeds for record in feed.records if len(record.start)]
        took = [_timed(judge_series, records), _timed(judge_feed, feeds)]
        touched = []
        for record in records:
            begin = time.process_time()
            judge_series(record, to_time(int(record.start[-1])))
            touched.append(1000 * (time.process_time() - begin))
        yield (
            city,
            f"{len(records):,}",
            f"{sum(len(record.start) for record in records):,}",
            f"{sum(wall for wall, _ in took):.1f}",
            f"{took[0][1]:.1f} + {took[1][1]:.1f}",
            f"{np.median(touched):.1f} / {np.quantile(touched, 0.99):.1f} / {max(touched):.1f}",
        )


def _timed(check: Callable[[Any], object], of: Iterable[object]) -> tuple[float, float]:
    """Seconds on the wall and of the processor that it took to judge all of them."""
    wall, processor = time.perf_counter(), time.process_time()
    for one in of:
        check(one)
    return time.perf_counter() - wall, time.process_time() - processor


def table(header: str, lines: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [tuple(part.strip() for part in header.split("|")), tuple("---" for _ in header.split("|")), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def main() -> None:
    """Print both tables and the times, and put them into the page."""
    header = "city | series | observations | all checks, s | processor, s (series + feeds) | a series after a reply, ms"
    timed = table(header, speed())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    timed += (
        f"\n\nThe last column is the median, 99th percentile and largest, of processor time. "
        f"Peak memory of the program with all three cities' series in it: {peak:,.0f} MiB. "
        f"{describe()}; {os.getloadavg()[0]:.1f} processes wanted the cores."
    )
    blocks = {
        "speed": timed,
        "faults": table("known fault | check | found | light | verdict", faults()),
        "clean": table(
            "clean series | with | series | series-years | holes | false marks | a series and year", clean()
        ),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks.items():
        print(f"{block}\n", flush=True)
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        text = pattern.sub(lambda _, body=f"{begin}\n{block}\n{end}": body, text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
