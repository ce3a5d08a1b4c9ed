"""What the first page costs on a phone: scripts, largest paint, and how soon it answers. Writes bench/pages.md.

The node holds the demo's Paris. The phone is Chromium's, held to the mobile profile of Lighthouse 12: 1.6 Mbit/s,
150 ms there and back, a processor four times slower than this one.
"""

from __future__ import annotations

import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from machine import describe

HERE = Path(__file__).parent
PORT = 18460
RUNS = 5
PHONE = {"width": 390, "height": 844}
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1_638_400 / 8, "uploadThroughput": 750_000 / 8}
SLOWER = 4
LARGEST_PAINT = """() => new Promise((resolve) => new PerformanceObserver((list) =>
    resolve(list.getEntries().at(-1).startTime)).observe({ type: "largest-contentful-paint", buffered: true }))"""
SLOWEST_EVENT = """() => new Promise((resolve) => new PerformanceObserver((list) =>
    resolve(Math.max(...list.getEntries().map(({ duration }) => duration)))).observe(
    { type: "event", buffered: true, durationThreshold: 16 }))"""


def open_phone(browser: Browser) -> tuple[Page, list[int]]:
    """A phone with an empty cache, and the bytes of each script that comes to it."""
    page = browser.new_context(viewport=PHONE, device_scale_factor=3, has_touch=True, is_mobile=True).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    scripts: dict[str, str] = {}
    sizes: list[int] = []
    session.on("Network.responseReceived", lambda event: scripts.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.append(event["encodedDataLength"]) if scripts.get(event["requestId"]) == "Script" else None,
    )
    return page, sizes


def measure(browser: Browser, url: str) -> tuple[float, float, int]:
    """Milliseconds to the largest paint and of the slowest of three touches, and bytes of script."""
    page, sizes = open_phone(browser)
    page.goto(url)
    page.locator("main ol > li").first.wait_for()
    page.wait_for_load_state("networkidle")
    paint = float(page.evaluate(LARGEST_PAINT))
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Verdict").select_option("fell")
    page.get_by_role("button", name="FR, ").click()
    page.wait_for_timeout(1000)
    slowest = float(page.evaluate(SLOWEST_EVENT))
    script = sum(sizes)
    page.context.close()
    return paint, slowest, script


def main() -> None:
    """Start the node, measure and write the page."""
    program = Path(sys.executable).with_name("passerelle")
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "demo", "paris", "--folder", folder, "--port", str(PORT)]
        with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as demo:
            assert demo.stdout is not None
            if not any(line.startswith("ready") for line in demo.stdout):
                raise SystemExit(f"the demo ended with exit code {demo.wait()} before it was ready")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-3d-apis"]
                )
                runs = [measure(browser, f"http://127.0.0.1:{PORT}/") for _ in range(RUNS)]
                browser.close()
            demo.send_signal(signal.SIGINT)
    paints, touches, scripts = zip(*runs, strict=True)
    page = [
        "# The first page on a phone",
        "",
        f"`.venv/bin/python bench/run.py pages`, median of {RUNS} visits with an empty cache (least to most), Paris of",
        f"the demo, Lighthouse's mobile profile (1.6 Mbit/s, 150 ms, processor {SLOWER} times slower), on",
        f"{describe()}.",
        "",
        "| what | reach | ours |",
        "|---|---|---|",
        f"| scripts of the first page, compressed, without the map | ≤ 200 kB | {max(scripts) / 1000:.0f} kB |",
        *(
            f"| {what} | {reach} | {statistics.median(ms):,.0f} ms ({min(ms):,.0f} to {max(ms):,.0f}) |"
            for what, reach, ms in (
                ("largest contentful paint", "≤ 1,500 ms", paints),
                ("slowest of three touches, until the next frame", "≤ 100 ms", touches),
            )
        ),
        "",
    ]
    (HERE / "pages.md").write_text("\n".join(page), encoding="utf-8")
    print("\n".join(page))


if __name__ == "__main__":
    main()
