"""Whether a node keeps its healthy feeds to their cadences while others are broken. Writes bench/scheduler.md.

A real node asks a publisher of many feeds that runs beside it on the same cores; a tenth of them are broken, each in
its way. The publisher notes when each was asked. `--json` prints the figures instead of writing the page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import httpx

from machine import describe
from passerelle.archive.folder import create_folder, find_node

HERE = Path(__file__).parent
NODE_PORT, FIRST_PORT, PORTS = 18399, 18300, 20
BROKEN = ("hang", "drip", "cut", "html", "words", "bomb", "down", "gone", "round", "empty")
CITY = """
id = "bench"
country = "FR"
time_zone = "Europe/Paris"
languages = ["en"]
bbox = [1.98, 48.63, 2.65, 49.03]
centre = [2.3488, 48.8534]
port = 18399
sectors = ["air"]
name = {en = "Bench", fr = "Bench"}
"""
FEED = """
[[feed]]
id = "%s-%d"
form = "geodair"
title = {en = "bench", fr = "bench"}
publisher = "bench"
owner = "bench"
url = "http://127.0.0.1:%d/%s/%d"
documentation = "unknown"
licence = {name = "unknown", url = "", attribution = "bench"}
redistribute = "yes"
cadence_seconds = %d
quantities = ["no2_daily_mean"]
parameters = {quantity = "no2_daily_mean"}
"""


def name_feeds(feeds: int) -> list[tuple[str, int]]:
    """Kind and number of each feed: every tenth is broken, in turn in each way."""
    return [(BROKEN[at // 10 % len(BROKEN)] if at % 10 == 9 else "well", at) for at in range(feeds)]


@contextmanager
def running(
    folder: Path, feeds: int, cadence: int, first_port: int, new_every: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The publisher, and a node that asks it."""
    city = folder / "bench.toml"
    tables = [
        FEED % (kind, number, first_port + number % PORTS, kind, number, cadence) for kind, number in name_feeds(feeds)
    ]
    city.write_text(CITY + "".join(tables), encoding="utf-8")
    create_folder(folder / "city", city)
    publisher = [sys.executable, HERE / "_publisher.py", str(first_port), str(PORTS), str(new_every)]
    node = [sys.executable, "-m", "passerelle.cli", "up", str(folder / "city"), "--port", str(first_port + PORTS)]
    environ = {name: value for name, value in os.environ.items() if name != "PASSERELLE_NO_FETCH"}
    with subprocess.Popen(publisher, stdout=subprocess.PIPE) as asked:
        try:
            assert asked.stdout is not None
            if not asked.stdout.readline():
                raise SystemExit(f"the publisher can't listen at {first_port} and the next {PORTS - 1} ports")
            with subprocess.Popen(node, stderr=subprocess.DEVNULL, env=environ) as asking:
                while find_node(folder / "city") is None:
                    if asking.poll() is not None:
                        raise SystemExit(f"the node ended at its start, with exit code {asking.returncode}")
                    time.sleep(0.05)
                try:
                    yield asking
                finally:
                    asking.terminate()
                    asking.wait()
        finally:
            asked.kill()


def read_memory(process: subprocess.Popen[bytes]) -> float:
    """The MiB that the process holds."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def read_cpu(process: subprocess.Popen[bytes]) -> float:
    """The seconds of processor that the process took."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(feeds: int, cadence: int, seconds: float, first_port: int, new_every: int) -> dict[str, Any]:
    """The figures of one run; the first minute or the first two cadences, in which feeds are spread, don't count."""
    settle = min(60.0, 2.0 * cadence)
    memory = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), feeds, cadence, first_port, new_every) as node:
        time.sleep(settle)
        began, cpu = time.monotonic(), read_cpu(node)
        while (elapsed := time.monotonic() - began) < seconds:
            memory.append(read_memory(node))
            time.sleep(min(5.0, max(0.0, seconds - elapsed), seconds / 10))
        cpu = (read_cpu(node) - cpu) / seconds
        report = httpx.get(f"http://127.0.0.1:{first_port}/report", timeout=60).json()
        metrics = httpx.get(f"http://127.0.0.1:{first_port + PORTS}/metrics", timeout=60).text
    return {**evaluate(report, metrics, memory, cpu, began, feeds, cadence, seconds), "new_every": new_every}


def evaluate(
    report: dict[str, list[float]],
    metrics: str,
    memory: list[float],
    cpu: float,
    began: float,
    feeds: int,
    cadence: int,
    seconds: float,
) -> dict[str, Any]:
    """The figures from what the publisher noted since `began`."""
    # The first ask of each is off the plan, which begins with the second.
    asks = {path: [at for at in moments[1:] if began <= at < began + seconds] for path, moments in report.items()}
    well = {path: moments for path, moments in asks.items() if path.startswith("/well/")}
    means = [(moments[-1] - moments[0]) / (len(moments) - 1) for moments in well.values() if len(moments) > 1]
    steps = [
        abs(after - before - cadence) / cadence for moments in well.values() for before, after in pairwise(moments)
    ]
    failing = [float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("passerelle_feed_failures{")]
    return {
        "feeds": feeds,
        "broken": sum(kind != "well" for kind, _ in name_feeds(feeds)),
        "cadence_s": cadence,
        "seconds": seconds,
        "measured": len(means),
        "healthy": sum(kind == "well" for kind, _ in name_feeds(feeds)),
        "worst_mean_off": max(abs(interval / cadence - 1) for interval in means),
        "step_off_p50": quantiles(steps, n=100)[49],
        "step_off_p99": quantiles(steps, n=100)[98],
        "asks_per_s": sum(map(len, well.values())) / seconds,
        "broken_asks_per_s": sum(len(asks[path]) for path in asks.keys() - well.keys()) / seconds,
        "failing": sum(failures > 0 for failures in failing),
        "memory_mib": [round(mean(memory[at * len(memory) // 5 : (at + 1) * len(memory) // 5])) for at in range(5)],
        "cpu_share": cpu,
    }


def write_page(seen: dict[str, Any], command: str) -> str:
    """The page of results."""
    rows = [
        ("healthy feeds, asked and measured", "all", f"{seen['measured']} of {seen['healthy']}"),
        ("worst feed's mean interval, off its cadence", "≤ 5 %", f"{seen['worst_mean_off']:.2%}"),
        (
            "single intervals off the cadence, p50 and p99",
            "",
            f"{seen['step_off_p50']:.2%}, {seen['step_off_p99']:.2%}",
        ),
        ("answers of healthy feeds", "", f"{seen['asks_per_s']:.1f} /s"),
        ("broken feeds told as failing at the end", "all", f"{seen['failing']} of {seen['broken']}"),
        ("asks of broken feeds", "", f"{seen['broken_asks_per_s']:.2f} /s"),
        (
            "the node's memory in each fifth of the time, MiB",
            "flat",
            ", ".join(map(str, seen["memory_mib"])),
        ),
        ("the node's share of a core", "", f"{seen['cpu_share']:.0%}"),
    ]
    table = "\n".join(f"| {what} | {reach} | {ours} |" for what, reach, ours in rows)
    return f"""# Feeds kept to their cadences

`{command}`, one run, on {describe()}.

{seen["feeds"]:,} feeds at a cadence of {seen["cadence_s"]} s, of which {seen["broken"]} are broken:
{", ".join(BROKEN)}. Measured for {seen["seconds"]:,.0f} s after the start's spread.
The publisher runs on the same cores. {_tell_news(seen["new_every"])} holds a new value, which is
kept, admitted and durable before the feed's next time is planned.

| what | reach | ours |
|---|---|---|
{table}
"""


def _tell_news(new_every: int) -> str:
    return "Every answer of a healthy feed" if new_every == 1 else f"One answer in {new_every} of a healthy feed"


def main() -> None:
    """Measure, and write the page or print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--cadence", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--port", type=int, default=FIRST_PORT)
    parser.add_argument("--new-every", type=int, default=1, help="a healthy feed's answer is new every so many times")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seen = measure(asked.feeds, asked.cadence, asked.seconds, asked.port, asked.new_every)
    if asked.json:
        print(json.dumps(seen))
        return
    command = f"bench/scheduler.py --feeds {asked.feeds} --cadence {asked.cadence} --seconds {asked.seconds:g}"
    command += f" --new-every {asked.new_every}" if asked.new_every > 1 else ""
    (HERE / "scheduler.md").write_text(write_page(seen, f".venv/bin/python {command}"), encoding="utf-8")


if __name__ == "__main__":
    main()
