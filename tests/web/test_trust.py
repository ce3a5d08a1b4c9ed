"""The board of feeds and a feed's own page, as a reader meets them."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from tests.web.conftest import Reader

pytestmark = pytest.mark.browser

FEED = "geodair-no2-mean"
TITLE = "Nitrogen dioxide, daily means of two stations in Paris"


def read_feeds(url: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{url}/api/v1/feeds").json()["items"])


def test_the_board_shows_every_feed_worst_first(reader: Reader) -> None:
    """As many rows as the API has feeds, those without a light last, each with its light as a word."""
    feeds = read_feeds(reader.url)
    rows = reader.open("/feeds", "main ul > li").locator("main section > ul > li")
    expect(rows).to_have_count(len(feeds))
    lights = [feed["trust"]["light"] for feed in feeds if feed["trust"]]
    worst = sorted(lights, key=("red", "amber", "green").index)
    for at, light in enumerate(worst):
        expect(rows.nth(at).locator(".light > span").first).to_have_text(light)
    counts = next(feed["trust"]["lights"] for feed in feeds if feed["id"] == FEED)
    told = f"Series: {counts['red']} red, {counts['amber']} amber, {counts['green']} green"
    expect(rows.filter(has_text=TITLE)).to_contain_text(told)


def test_a_feed_opens_by_keyboard_and_shows_its_series(reader: Reader) -> None:
    """Enter opens it at an address of its own; a strip a series says in words what it draws."""
    page = reader.open("/feeds", "main ul > li")
    page.get_by_role("link", name=TITLE).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/feeds/{FEED}$"))
    strips = page.locator(".file").get_by_role("img")
    expect(strips).to_have_count(2)
    # Les Halles, whose file begins on 25 September 2019 and holds two months of zeros, is worse than Champs-Élysées.
    expect(strips.first).to_have_attribute("aria-label", re.compile(r"Les Halles, 25 Sept 2019 to .* is red\.$"))
    expect(page.locator(".file")).to_contain_text("Airparif")


def test_a_link_leads_to_a_feed_and_on_to_a_series(reader: Reader) -> None:
    """The address opens the feed; from a series of it one gets to its values, with the newest value's light."""
    page = reader.open(f"/feeds/{FEED}", ".file .series > li")
    page.locator(".file").get_by_role("link", name=re.compile("^Show the values of")).first.click()
    expect(page.locator(".panel")).to_contain_text(re.compile("Newest value: (green|amber|red)"))


def test_it_is_french_in_french(reader: Reader) -> None:
    """Title, counts and what a strip says."""
    page = reader.open(f"/feeds/{FEED}?lang=fr", ".file .series > li")
    expect(page.locator(".file")).to_contain_text("Chaque série dans le temps, les pires d’abord")
    expect(page.locator(".file").get_by_role("img").first).to_have_attribute("aria-label", re.compile("en rouge\\.$"))
