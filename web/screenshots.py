"""Takes a picture of each page in both languages on the demo's own data: `make screenshots`.

The two nodes are those of `passerelle demo`, their folders kept in build/screenshots/ so that a second run is quick.
All pictures are left in build/screenshots/pages/; the best go to docs/screenshots/.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

CHECKOUT = Path(__file__).parents[1]
PICTURES = CHECKOUT / "docs" / "screenshots"
ALL = CHECKOUT / "build" / "screenshots" / "pages"
PORT = 18340
PARIS, SAN_FRANCISCO = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"
CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
TWO_PLACES = "/city?what=geodair-no2-mean/no2_daily_mean&place=geodair:FR04055&with=geodair:FR04031"
COUNTER = "Totem 73 boulevard de Sébastopol S-N"


@dataclass(frozen=True)
class Shot:
    """A page to take a picture of, and the part of it to wait for; `{series}` in the path is a bicycle counter's."""

    name: str
    node: str
    path: str
    part: str
    width: int = 1280
    height: int = 1000


SHOTS = (
    Shot("changes", PARIS, "/", "main ol > li"),
    Shot("case-file", PARIS, "/changes/curfew-18h-2021", ".case .plot", height=1400),
    Shot("case-file-places", SAN_FRANCISCO, "/changes/sunset-bike-stations-2023", ".case .plot", height=1900),
    Shot("city", PARIS, "/city", ".list li"),
    Shot("city-compared", PARIS, TWO_PLACES, "main .plot", height=2300),
    Shot("feeds", PARIS, "/feeds", "main li"),
    Shot("feed", PARIS, "/feeds/geodair-no2-mean", "main li"),
    Shot("data", PARIS, "/data", "main li"),
    Shot("dataset", PARIS, "/data/bike-counters/bicycle_count", ".search li"),
    Shot("series", PARIS, "/data/{series}", ".panel .plot", height=1400),
    Shot("new-study", PARIS, "/studies/new", "main h1"),
    Shot("phone", PARIS, "/", "main ol > li", width=390, height=844),
)
DARK = Shot("case-file", SAN_FRANCISCO, "/changes/sunday-meters-2013", ".case .plot", height=1180)
BEST = {("changes", "en"), ("case-file", "fr"), ("city", "en"), ("feeds", "fr"), ("phone", "fr")}


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


def take(browser: Browser, shot: Shot, series: str, language: str, *, dark: bool = False) -> Path:
    """The picture of a page, once what it is for stands."""
    context = browser.new_context(
        locale={"en": "en-GB", "fr": "fr-FR"}[language],
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(shot.node + shot.path.format(series=series))
    page.locator(shot.part).first.wait_for()
    # A map draws its tiles after its canvas is there, and says nothing when it is done.
    page.wait_for_timeout(3000)
    picture = ALL / f"{shot.name}-{language}{'-dark' if dark else ''}.png"
    page.screenshot(path=picture)
    context.close()
    return picture


def take_pictures(browser: Browser) -> None:
    """Every page in both languages, and the best of them for README and docs."""
    series = find_series()
    for shot in SHOTS:
        for language in ("en", "fr"):
            picture = take(browser, shot, series, language)
            if (shot.name, language) in BEST:
                shutil.copy(picture, PICTURES / picture.name)
    shutil.copy(take(browser, DARK, series, "en", dark=True), PICTURES / "case-file-dark.png")


def find_series() -> str:
    """The id of a bicycle counter's series."""
    found = httpx.get(f"{PARIS}/api/v1/series", params={"feed": "bike-counters", "q": COUNTER}).json()
    return str(found["items"][0]["id"])


def main() -> None:
    """Write the pictures."""
    for folder in (PICTURES, ALL):
        folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with running_demo(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        take_pictures(browser)
        browser.close()


if __name__ == "__main__":
    main()
