"""Takes the pictures of docs/screenshots/ on the demo's own data: `make screenshots`.

The two nodes are those of `passerelle demo`, their folders kept in build/screenshots/ so that a second run is quick.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

CHECKOUT = Path(__file__).parents[1]
PICTURES = CHECKOUT / "docs" / "screenshots"
PORT = 18340
PARIS, SAN_FRANCISCO = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"
CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
COUNTER = "Totem 73 boulevard de Sébastopol S-N"


@contextmanager
def running_demo() -> Iterator[None]:
    """Both nodes, from their `ready` line until the block ends."""
    folder = CHECKOUT / "build" / "screenshots"
    command = [sys.executable, "-m", "passerelle.cli", "demo", "--folder", str(folder), "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own program
    assert process.stdout is not None  # noqa: S101  it was asked for
    try:
        for line in process.stdout:
            if line.startswith("ready"):
                break
        yield
    finally:
        process.terminate()
        process.wait(60)


def open_page(browser: Browser, address: str, *, locale: str, width: int, height: int, scheme: str = "light") -> Page:
    """The page at `address` once its changes, its map and its list stand."""
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.locator("main ol > li").first.wait_for()
    page.locator(".search li").first.wait_for()
    page.locator(".maplibregl-canvas").wait_for()
    # The map draws its tiles after its canvas is there, and says nothing when it is done.
    page.wait_for_timeout(3000)
    return page


def take_pictures(browser: Browser) -> None:
    page = open_page(browser, PARIS, locale="en-GB", width=1280, height=1000)
    page.screenshot(path=PICTURES / "first-page.png", full_page=True)

    page = open_page(browser, f"{PARIS}/#change/curfew-18h-2021", locale="fr-FR", width=1180, height=1500)
    page.locator(".case .chart").first.wait_for()
    page.locator("main ol > li.open").evaluate("row => row.scrollIntoView({ block: 'start', behavior: 'instant' })")
    page.screenshot(path=PICTURES / "case-file-fr.png")

    address = f"{SAN_FRANCISCO}/#change/sunday-meters-2013"
    page = open_page(browser, address, locale="en-GB", width=1280, height=1180, scheme="dark")
    page.locator(".case .chart").first.wait_for()
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.screenshot(path=PICTURES / "case-file-dark.png")

    page = open_page(browser, f"{PARIS}/?series={find_series()}", locale="fr-FR", width=390, height=844)
    page.locator(".panel .plot").wait_for()
    page.locator(".panel").screenshot(path=PICTURES / "series-phone-fr.png")


def find_series() -> str:
    """The id of a bicycle counter's series."""
    found = httpx.get(f"{PARIS}/api/v1/series", params={"feed": "bike-counters", "q": COUNTER}).json()
    return str(found["items"][0]["id"])


def main() -> None:
    """Write the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with running_demo(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        take_pictures(browser)
        browser.close()


if __name__ == "__main__":
    main()
