"""How fast the page of the city answers: a map of 5,000 places, a chart of 100,000 points. Writes bench/city_page.md.

The places and their values are synthetic, drawn at random over Paris, and say so in their names. A headless Chromium
draws WebGL in software on the same cores as the node. An interaction is what the browser's own Event Timing calls one:
from the key or the pointer to the next frame that is drawn, in steps of 8 ms. Frames are counted while the map is
dragged.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import polars as pl
from playwright.sync_api import Page, sync_playwright

from machine import describe
from passerelle.archive.folder import create_folder, find_node
from passerelle.archive.opening import open_archive
from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.registry.tokens import Scope

HERE = Path(__file__).parent
PORT = 18448
URL = f"http://127.0.0.1:{PORT}"
FEED = "bike-counters"
PLACES, HOURS, LONG = 5000, 48, 100_000
LAST = datetime(2021, 6, 1, tzinfo=UTC)
ASKED = 40
STEPS, WORDS = 24, "place 12"
CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
RECORD = """
window.durations = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.interactionId) window.durations.push(entry.duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
window.countFrames = () => {
  window.frames_ = [];
  let before = performance.now();
  const next = (now) => {
    window.frames_.push(now - before);
    before = now;
    window.counting = requestAnimationFrame(next);
  };
  window.counting = requestAnimationFrame(next);
};
window.endFrames = () => { cancelAnimationFrame(window.counting); return window.frames_; };
"""


def list_series() -> list[Series]:
    """A series at each place."""
    return [Series(FEED, f"synthetic-{number:04}", "bicycle_count") for number in range(PLACES)]


def make_folder(folder: Path) -> str:
    """A Paris with the places, and a token to send their values."""
    random = np.random.default_rng(5)
    create_folder(folder, "paris")
    archive = open_archive(folder)
    places = [
        Place(f"synthetic-{number:04}", "counter", f"Synthetic place {number}", point(longitude, latitude))
        for number, (longitude, latitude) in enumerate(
            zip(random.normal(2.35, 0.05, PLACES), random.normal(48.857, 0.025, PLACES), strict=True)
        )
    ]
    archive.register(places, list_series())
    _, secret = archive.create_token(name="bench", scope=Scope.OBSERVATIONS, feed=FEED)
    archive.close()
    return secret


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """A node in a process of its own."""
    command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(PORT), "--no-fetch"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as node:
        try:
            while find_node(folder) is None:
                if node.poll() is not None:
                    raise SystemExit(f"the node ended with {node.returncode}: is port {PORT} taken?")
                time.sleep(0.05)
            yield
        finally:
            node.terminate()
            node.wait()


def send(secret: str) -> None:
    """Two days of every place by the hour, and of the first all of `LONG` hours."""
    random = np.random.default_rng(6)
    ids = [one.id for one in list_series()]
    hours = pl.datetime_range(LAST - timedelta(hours=HOURS - 1), LAST, "1h", time_zone="UTC", eager=True)
    earlier = pl.datetime_range(
        LAST - timedelta(hours=LONG - 1), LAST - timedelta(hours=HOURS), "1h", time_zone="UTC", eager=True
    )
    short = pl.DataFrame({"series": ids}).join(pl.DataFrame({"start": hours}), how="cross")
    frame = pl.concat([short, pl.DataFrame({"start": earlier}).select(pl.lit(ids[0]).alias("series"), "start")])
    frame = frame.with_columns(
        end=pl.col("start") + timedelta(hours=1), value=pl.Series(random.poisson(40, frame.height).astype(float))
    )
    for part in frame.iter_slices(100_000):
        body = io.BytesIO()
        part.write_ipc_stream(body, compat_level=pl.CompatLevel.oldest())
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/vnd.apache.arrow.stream"}
        httpx.post(
            f"{URL}/api/v1/observations", content=body.getvalue(), headers=headers, timeout=120
        ).raise_for_status()


def ask_values() -> list[float]:
    """Milliseconds of all pages of all places' values, at moments not asked for before."""
    found = []
    with httpx.Client(base_url=f"{URL}/api/v1", timeout=60) as client:
        for number in range(ASKED):
            at = (LAST - timedelta(minutes=37 * number)).isoformat().replace("+00:00", "Z")
            began, cursor, seen = time.perf_counter(), None, 0
            while cursor is not None or seen == 0:
                asked = {"at": at, "quantity": "bicycle_count", "limit": 1000} | ({"cursor": cursor} if cursor else {})
                page = client.get("/values", params=asked).json()
                cursor, seen = page["next"], seen + len(page["items"])
            assert seen == PLACES
            found.append(1000 * (time.perf_counter() - began))
    return found


@dataclass
class Used:
    """Milliseconds of a reader's interactions (those under 16 aren't told), of frames, and of the page's own tasks.

    Tasks are counted in processor time, which other programs on the machine don't lengthen.
    """

    interactions: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    tasks: list[float] = field(default_factory=list)


@contextmanager
def tracing(page: Page, used: Used) -> Iterator[None]:
    """Notes interactions and the main thread's tasks until the block ends."""
    page.wait_for_timeout(1500)
    page.evaluate("window.durations.splice(0)")
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    yield
    page.wait_for_timeout(1500)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    used.interactions = list(page.evaluate("window.durations.splice(0)"))
    named = [one for one in events if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"]
    mains = {(one["pid"], one["tid"]) for one in named}
    used.tasks = [
        one["tdur"] / 1000
        for one in events
        if one["ph"] == "X" and "RunTask" in one["name"] and "tdur" in one and (one["pid"], one["tid"]) in mains
    ]


def use_map(page: Page) -> Used:
    """Stepping through a day and choosing places; then dragging the map."""
    used = Used()
    page.goto(f"{URL}/city")
    page.get_by_text(f"{PLACES:,} of {PLACES:,} places have a value").wait_for(timeout=60_000)
    page.wait_for_timeout(6000)
    with tracing(page, used):
        page.get_by_role("slider", name="Moment").focus()
        for _ in range(STEPS):
            page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(150)
        page.get_by_label("Find a place").focus()
        page.keyboard.type(WORDS, delay=60)
        page.locator(".list li button").first.click()
        box = page.locator(".maplibregl-canvas").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.click(x, y)
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.countFrames()")
    for step in range(120):
        page.mouse.move(x + 60 * np.sin(step / 12), y + 40 * np.cos(step / 12))
    used.frames = list(page.evaluate("window.endFrames()"))
    page.mouse.up()
    return used


def use_chart(page: Page, series: str) -> tuple[float, Used]:
    """Milliseconds until the chart of all points stands; changing its span, and reading along it."""
    used = Used()
    began = time.perf_counter()
    page.goto(f"{URL}/data/{series}")
    page.locator(".plot .line").first.wait_for(timeout=60_000)
    stands = 1000 * (time.perf_counter() - began)
    with tracing(page, used):
        for span in ("Last year", "1 month", "All"):
            page.get_by_role("radio", name=span, exact=True).click(force=True)
            page.wait_for_timeout(600)
    box = page.locator(".plot").first.bounding_box()
    assert box is not None
    page.evaluate("window.countFrames()")
    for step in range(120):
        page.mouse.move(box["x"] + 60 + step * (box["width"] - 120) / 120, box["y"] + 100)
    used.frames = list(page.evaluate("window.endFrames()"))
    return stands, used


def at(share: float, found: list[float]) -> float:
    """A quantile; 0 of none, since what is under 16 ms isn't told."""
    return float(np.quantile(found, share)) if found else 0.0


def spread(found: list[float], share: float) -> str:
    """The median and a high quantile, in words."""
    return f"median {at(0.5, found):.0f} ms, p{100 * share:.0f} {at(share, found):.0f} ms"


def slowest(used: Used) -> str:
    """The slowest interaction, and the longest task."""
    return f"{at(1, used.interactions):.0f} ms; longest task {at(1, used.tasks):.0f} ms of processor time"


def main() -> None:
    """Measure, and write the page."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as base, sync_playwright() as playwright:
        folder = Path(base) / "paris"
        secret = make_folder(folder)
        with running(folder):
            send(secret)
            values = ask_values()
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
            page = browser.new_page(viewport={"width": 1280, "height": 1400}, locale="en-GB")
            page.add_init_script(RECORD)
            on_map = use_map(page)
            stands, on_chart = use_chart(page, list_series()[0].id)
            browser.close()
    many, long = f"map of {PLACES:,} places", f"chart of {LONG:,} points"
    steps = f"{STEPS + len(WORDS) + 2} (hour by hour, search, choice)"
    rows = [
        (f"`/values` of {PLACES:,} places, five pages", "", spread(values, 0.99)),
        (f"{many}: slowest interaction of {steps}", "≤ 100 ms", slowest(on_map)),
        (f"{many}: frames while dragged", "", spread(on_map.frames, 0.95)),
        (f"{long}: drawn after", "", f"{stands:.0f} ms"),
        (f"{long}: slowest interaction (change of span)", "≤ 100 ms", slowest(on_chart)),
        (f"{long}: frames while read", "", spread(on_chart.frames, 0.95)),
    ]
    page_lines = [
        "# The page of the city",
        "",
        "`.venv/bin/python bench/run.py city_page`, once, on synthetic places, WebGL drawn in software, on",
        f"{describe()}; load average before it began {load:.0f}.",
        "",
        "| what | reach | ours |",
        "|---|---|---|",
        *(f"| {what} | {reach} | {ours} |" for what, reach, ours in rows),
        "",
        "Processor time is what the page's main thread itself takes; other programs on the cores lengthen all else.",
    ]
    (HERE / "city_page.md").write_text("\n".join(page_lines) + "\n", encoding="utf-8")
    print("\n".join(page_lines))


if __name__ == "__main__":
    main()
