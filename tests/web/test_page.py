"""What holds for the page as a whole: languages, access for all, small screens, a node that is down."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.web.conftest import CHECKOUT, Reader

pytestmark = pytest.mark.browser

AXE = CHECKOUT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TWO_PLACES = "/city?place=geodair:FR04055&with=geodair:FR04031"
STATES = {
    "the changes": ("/", "main ol > li"),
    "a case file": ("/changes/curfew-18h-2021", ".case .sentence"),
    "the city": ("/city", ".list li"),
    "the city as known before it was": ("/city?known=then", ".list li"),
    "an area": ("/city?area=arrondissement:75104", "#profile-title"),
    "two places side by side": (TWO_PLACES, "#comparison-title"),
    "two places of unlike definitions": (TWO_PLACES.replace("FR04031", "FR01011"), "#comparison-title"),
    "the feeds": ("/feeds", "main section > ul > li"),
    "a feed": ("/feeds/bike-counters", ".file .series > li"),
    "a feed that stays": ("/feeds/geodair-no2-max", ".file .series > li"),
    "the data": ("/data", ".datasets li"),
    "a search": ("/data?q=hotel+de+vile", ".search li"),
    "a dataset": ("/data/bike-counters/bicycle_count", ".search li"),
    "a series": ("/data/{series}", ".panel .plot"),
    "a series as known before it was": ("/data/{series}?as_known_at=2021-06-01T10:00:00Z", ".panel"),
    "no such page": ("/nowhere/at/all", "main h1"),
}
DRAWS_A_MAP = {state for state, (address, _) in STATES.items() if address.startswith("/city")}


def find_series(page: Page, url: str) -> str:
    found = page.request.get(f"{url}/api/v1/series?feed=bike-counters&limit=1").json()
    return str(found["items"][0]["id"])


def open_state(reader: Reader, state: str) -> None:
    address, part = STATES[state]
    reader.open(address.format(series=find_series(reader.page, reader.url)), part)
    if state == "no such page":
        # Chromium itself says on its console that the page came with a 404.
        reader.complaints.clear()


def test_the_language_is_switched_kept_and_in_the_address(reader: Reader) -> None:
    """FR turns every word French, says so to the browser and in the address, and is remembered without it."""
    page = reader.open()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="FR, Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page).to_have_url(re.compile(r"\?lang=fr"))
    expect(page.get_by_role("heading", name="Est-ce que ça a marché")).to_be_visible()
    row = page.locator("main ol > li")
    for words in ("Couvre-feu à 18 h", "a baissé", "16 janvier – 19 mars 2021"):
        expect(row).to_contain_text(words)
    reader.open("/")
    expect(page.get_by_role("heading", name="Est-ce que ça a marché")).to_be_visible()


def test_the_browsers_language_comes_first(browser: Browser, node_url: str) -> None:
    """A French browser gets French, one of a third language English."""
    for locale, expected in (("fr-CA", "fr"), ("de-DE", "en")):
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(node_url)
        expect(page.locator("html")).to_have_attribute("lang", expected)
        context.close()


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(map_reader: Reader, state: str) -> None:
    """No violation of WCAG 2.2 A and AA whatever is open, in both languages and both colour schemes."""
    page = map_reader.page
    open_state(map_reader, state)
    found: list[str] = []
    for language in ("EN", "FR"):
        page.get_by_role("button", name=f"{language}, ").click()
        wait_for_rest(page)
        if state in DRAWS_A_MAP:
            expect(page.locator(".maplibregl-canvas")).to_be_visible()
        page.emulate_media(color_scheme="light")
        found += [f"{language}, light: {violation}" for violation in run_axe(page)]
        page.emulate_media(color_scheme="dark")
        found += [f"{language}, dark: {violation}" for violation in run_axe(page)]
    assert found == []


def wait_for_rest(page: Page) -> None:
    """Return once the page waits for nothing: no text says so any more."""
    expect(page.locator("main [role=status]").filter(has_text="…")).to_have_count(0)


def run_axe(page: Page) -> list[str]:
    """Violations, each with its rule and the elements it was found at."""
    # Evaluated by the browser itself, which the page's Content-Security-Policy does not forbid.
    page.evaluate(Path(AXE).read_text(encoding="utf-8") + "; undefined")
    script = "(rules) => axe.run(document, { runOnly: rules }).then(({ violations }) => violations)"
    violations = page.evaluate(script, RULES)
    return [f"{each['id']} at {[node['target'] for node in each['nodes']]}" for each in violations]


@pytest.mark.parametrize("state", STATES)
def test_a_small_phone_needs_no_sideways_scroll(map_reader: Reader, state: str) -> None:
    """At 320 CSS pixels nothing is wider than the screen, whatever is open, in both languages."""
    page = map_reader.page
    page.set_viewport_size({"width": 320, "height": 640})
    open_state(map_reader, state)
    for language in ("EN", "FR"):
        page.get_by_role("button", name=f"{language}, ").click()
        wait_for_rest(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_without_webgl_the_list_takes_the_maps_place(reader: Reader) -> None:
    """A browser that can't draw the map is told so, and all else is there."""
    page = reader.open("/city", ".list li")
    expect(page.get_by_text("This browser cannot draw the map. The list says the same.")).to_be_visible()
    expect(page.locator(".list li").first).to_be_visible()


def test_a_node_that_is_down_is_said_and_what_was_there_stays(reader: Reader, context: BrowserContext) -> None:
    """Cut off, the page says so and keeps its rows; once the node is back the notice goes and the search is done."""
    page = reader.open("/data", ".datasets li")
    context.set_offline(True)
    page.get_by_label("Search places and measurements").fill("diderot")
    notice = page.get_by_text("The city’s node does not answer. What you see was loaded before")
    expect(notice).to_be_visible()
    expect(page.locator(".datasets li").first).to_contain_text("Bicycles")
    context.set_offline(False)
    expect(notice).to_have_count(0)
    expect(page.locator(".search li")).to_have_count(2)
    cut_off = [complaint for complaint in reader.complaints if "ERR_INTERNET_DISCONNECTED" in complaint]
    assert cut_off == reader.complaints
    reader.complaints.clear()


def test_a_node_that_is_slow_is_said(reader: Reader) -> None:
    """An answer that takes longer than four seconds is waited for, and the page says so until it has come."""
    page = reader.page
    page.route("**/api/v1/feeds?*", lambda route: (page.wait_for_timeout(5000), route.continue_()))
    page.goto(reader.url + "/feeds")
    notice = page.get_by_text("The city’s node is slow to answer.")
    expect(notice).to_be_visible()
    expect(page.locator("main section li").first).to_be_visible()
    expect(notice).to_have_count(0)


def test_what_is_asked_for_early_is_asked_for_once(reader: Reader) -> None:
    """The city and the changes that the first page's head asks for are what its scripts use: no second question."""
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.open()
    for path in ("city", "changes?limit=1000"):
        assert asked.count(f"{reader.url}/api/v1/{path}") == 1


def test_the_first_page_without_the_map_is_light() -> None:
    """Scripts of the first page, the map's own left out, are at most 200 kB compressed."""
    folder = CHECKOUT / "src" / "passerelle" / "api" / "pages"
    index = (folder / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r'src="/(assets/[^"]+\.js)"', index)
    assert scripts
    assert sum(len(gzip.compress((folder / name).read_bytes())) for name in scripts) <= 200_000
