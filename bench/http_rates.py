"""What one node takes and answers over HTTP: single posts, batches, reads. Writes bench/http.md.

Node and load generator are two processes on the same cores. The node's own compaction runs as it does in service.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from machine import describe
from passerelle.archive.folder import create_folder, find_node
from passerelle.archive.opening import open_archive
from passerelle.registry.tokens import Scope

HERE = Path(__file__).parent
PORT = 18290
FEED = "bike-counters"
SERIES = 1000
SECONDS = 60.0
READ_SECONDS = 15.0
BATCH = 10_000


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A node in a process of its own, and a token that writes to it."""
    create_folder(folder, "paris")
    archive = open_archive(folder)
    _, secret = archive.create_token(name="bench", scope=Scope.OBSERVATIONS, feed=FEED)
    archive.close()
    command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(PORT), "--no-fetch"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as node:
        try:
            while find_node(folder) is None:
                if node.poll() is not None:
                    raise SystemExit(f"the node ended with {node.returncode}: is port {PORT} taken?")
                time.sleep(0.05)
            yield node, secret
        finally:
            node.terminate()
            node.wait()


def register(token: str, kind: str) -> list[str]:
    """The ids of `SERIES` new series, at places named for `kind`."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{PORT}/api/v1", headers={"authorization": f"Bearer {token}"})
    body = {"place": {"id": "", "kind": "counter", "name": "bench"}, "quantity": "bicycle_count"}
    found = []
    for number in range(SERIES):
        body["place"]["id"] = f"{kind}-{number:04}"
        found.append(client.post("/series", json=body).raise_for_status().json()["id"])
    return found


def load(kind: str, of: list[str], token: str = "", *, connections: int, seconds: float) -> dict[str, Any]:
    """What the load generator saw; any answer but 2xx and 429 ends the benchmark."""
    command = [sys.executable, HERE / "_load.py", kind, str(PORT), str(connections), str(seconds)]
    ended = subprocess.run(command, input=json.dumps({"of": of, "token": token}), capture_output=True, text=True)
    seen = json.loads(ended.stdout or "{}")
    if ended.returncode or seen["refusal"]:
        raise SystemExit(f"{kind}: {ended.stderr or seen['refusal']}")
    print(kind, seen, flush=True)
    return dict(seen)


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """The most MiB the process ever held."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


def row(what: str, reach: str, seen: dict[str, Any], unit: float = 1, noun: str = "/s") -> str:
    """A line of the page's table."""
    rate = float(str(seen["per_second"])) * unit
    return f"| {what} | {reach} | {rate:,.0f} {noun} | {seen['p50_ms']} | {seen['p99_ms']} |"


def main() -> None:
    """Measure and write the page; an argument is the seconds of each write."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "city") as (node, token):
        # Each way has series of its own: rows come in their order, as feeds' rows do.
        posts = {}
        for kind, connections in (("single", 16), ("json", 4), ("arrow", 4)):
            series = register(token, kind)
            posts[kind] = load(kind, series, token, connections=connections, seconds=seconds)
        observations = [f"/api/v1/series/{one}/observations" for one in series[:200]]
        years = [f"{path}?start=1811-01-01T00:00:00Z&end=1812-01-01T00:00:00Z" for path in observations]
        known = [f"{path}&as_known_at=2026-01-01T00:00:00Z" for path in years]
        reads = {
            "top 20": load("read", [f"{path}?limit=20" for path in observations], connections=8, seconds=READ_SECONDS),
            "one": load("read", [f"/api/v1/series/{one}" for one in series[:200]], connections=8, seconds=READ_SECONDS),
            "year": load("read", [f"{path}&format=arrow" for path in years], connections=1, seconds=READ_SECONDS),
            "known": load("read", [f"{path}&format=arrow" for path in known], connections=1, seconds=READ_SECONDS),
            "latest": load("read", ["/api/v1/series?limit=1000"], connections=1, seconds=READ_SECONDS),
        }
        rows = httpx.get(f"http://127.0.0.1:{PORT}/api/v1/city").json()["counts"]["observations"]
        memory = peak_memory(node)
    page = [
        "# Over HTTP",
        "",
        f"`.venv/bin/python bench/run.py http_rates`, one run, {seconds:g} s each way of writing with compaction",
        f"running, on {describe()}.",
        "",
        "| what | reach | ours | p50 ms | p99 ms |",
        "|---|---|---|---|---|",
        row("single observations, 16 connections", "≥ 5,000/s, p99 < 20 ms", posts["single"]),
        row("batches of 10,000 as JSON, 4 connections", "≥ 200,000 obs/s", posts["json"], BATCH, "obs/s"),
        row("batches of 10,000 as Arrow, 4 connections", "≥ 1,000,000 obs/s", posts["arrow"], BATCH, "obs/s"),
        row("GET 20 observations of a series, 8 connections", "", reads["top 20"]),
        row("GET one series with its latest value, 8 connections", "", reads["one"]),
        row("GET a series-year as Arrow, 1 connection", "p99 < 30 ms", reads["year"]),
        row("the same as known at a time", "p99 < 30 ms", reads["known"]),
        row("GET 1,000 series with their latest values, 1 connection", "", reads["latest"]),
        "",
        f"The reads follow at once, on the {rows:,} observations that the posts left, and ask for the {SERIES:,}",
        "series that the Arrow batches went to; filing, compaction and lights go on meanwhile. The node held at most",
        f"{memory:,} MiB. Posts refused with 429 while the backlog was full, and not counted: "
        + ", ".join(f"{kind} {seen['statuses'].get('429', 0):,}" for kind, seen in posts.items())
        + ".",
        "",
    ]
    (HERE / "http.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
