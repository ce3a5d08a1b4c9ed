"""Search, map and the panel of a series, as a reader meets them."""

from __future__ import annotations

import io
import re
from datetime import date

import httpx
import polars as pl
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import Reader

from passerelle.feeds.city import find_data_file

pytestmark = pytest.mark.browser

COUNTER = "18 quai de l'Hôtel de Ville NO-SE"
RECORDING = "paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"


def open_counter(reader: Reader) -> Page:
    """The page of one bicycle counter's series, found through the search box."""
    page = reader.open("/data", ".search li")
    page.get_by_label("Search places and measurements").fill("hotel de ville no-se")
    page.get_by_role("link", name=COUNTER).click()
    expect(page.get_by_role("heading", name=COUNTER)).to_be_visible()
    return page


def count_of(day: date) -> int:
    """The bicycles of a civil day of Paris at the counter, added up from the publisher's file (times in UTC)."""
    table = pl.read_parquet(find_data_file(RECORDING), columns=["counter_name", "date", "bike_count"])
    local = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Paris")
    at = table.filter((pl.col("counter_name").cast(pl.String) == COUNTER) & (local.dt.date() == day))
    return int(at["bike_count"].sum())


def test_search_forgives_accents_and_the_keyboard_opens_what_it_finds(reader: Reader) -> None:
    """“hotel” finds “Hôtel”; Tab and Enter open the series; back, the search is as it was."""
    page = reader.open("/data", ".search li")
    page.get_by_label("Search places and measurements").focus()
    page.keyboard.type("hotel de ville no-se")
    result = page.get_by_role("link", name=COUNTER)
    expect(page.locator(".search li")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(result).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=COUNTER)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/data/[0-9a-z]{13}$"))
    page.go_back()
    expect(page.locator(".search li")).to_have_count(1)


@pytest.mark.parametrize("day", [date(2020, 10, 25), date(2021, 1, 15), date(2021, 3, 28)])
def test_days_are_the_citys(reader: Reader, day: date) -> None:
    """The table says the sum of each civil day of Paris, those of 25 and of 23 hours too, to a reader in New York."""
    page = open_counter(reader)
    page.get_by_text("Read the numbers").click()
    page.get_by_role("button", name=re.compile(r"Show all \d+ rows")).click()
    name = f"{day.day} {day:%b} {day.year}"
    row = page.locator(".panel tbody tr").filter(has=page.get_by_role("rowheader", name=name, exact=True))
    expect(row.locator("td")).to_have_text(f"{count_of(day):,}")


def test_nothing_was_known_before_the_import(reader: Reader) -> None:
    """Asked as known in 2021, a file imported today is not there, and the panel says so; back to now, it is."""
    page = open_counter(reader)
    expect(page.locator(".panel .plot")).to_be_visible()
    page.get_by_label("As known at").fill("2021-06-01T12:00")
    page.get_by_role("button", name="Show", exact=True).click()
    said = page.get_by_text("At that moment, 1 Jun 2021, 12:00, this node knew nothing yet of this series.")
    expect(said).to_be_visible()
    expect(said).to_contain_text("What it holds of it came on")
    panel = page.locator(".panel")
    expect(panel).not_to_contain_text("last value")
    expect(panel).not_to_contain_text(re.compile(r"[0-9] observations"))
    expect(page.locator(".panel .plot")).to_have_count(0)
    # Noon in Paris in summer.
    expect(page).to_have_url(re.compile(re.escape("as_known_at=2021-06-01T10%3A00%3A00Z")))
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator(".panel .plot")).to_be_visible()


def test_the_panel_says_where_a_series_comes_from(reader: Reader) -> None:
    """Feed, publisher, licence with attribution and the replies kept are named, as `/api/v1/feeds` has them."""
    feed = httpx.get(f"{reader.url}/api/v1/feeds/bike-counters").json()
    panel = open_counter(reader).locator(".panel")
    for words in (feed["title"]["en"], feed["publisher"], feed["licence"]["name"], feed["licence"]["attribution"]):
        expect(panel).to_contain_text(words)


def test_the_line_to_copy_gives_what_the_chart_shows(reader: Reader) -> None:
    """The address in the curl line answers with the daily buckets behind the chart; the CSV link with the rows."""
    page = open_counter(reader)
    line = page.locator(".curl").inner_text()
    answer = httpx.get(line.removeprefix('curl "').removesuffix('"')).json()
    assert answer["items"][0].keys() == {"start", "end", "value", "count"}
    link = page.get_by_role("link", name="CSV").get_attribute("href") or ""
    rows = pl.read_csv(io.BytesIO(httpx.get(reader.url + link).content))
    assert rows.columns[:3] == ["start", "end", "value"]
    assert rows.height == httpx.get(reader.url + answer_path(line)).json()["rows"]


def answer_path(line: str) -> str:
    """The address of the series that a curl line asks of."""
    found = re.search(r"/api/v1/series/[0-9a-z]{13}", line)
    assert found is not None
    return found[0]


def test_a_shorter_span_shows_values_as_published(reader: Reader) -> None:
    """A week of an hourly series is 168 values, and the address keeps the choice."""
    page = open_counter(reader)
    page.get_by_role("radio", name="1 week").check()
    expect(page.locator(".panel figcaption")).to_contain_text("168 values, as published")
    expect(page).to_have_url(re.compile("span=week"))


def test_a_feed_that_may_not_leave_is_not_offered(reader: Reader) -> None:
    """Where the licence keeps rows at the node, the panel offers no download, and says which licence it is."""
    series = httpx.get(f"{reader.url}/api/v1/series", params={"feed": "geodair-no2-max", "limit": 1}).json()["items"][0]
    page = reader.open(f"/data/{series['id']}", ".panel")
    panel = page.locator(".panel")
    expect(panel).to_contain_text("does not let the node hand the rows on")
    expect(panel.get_by_role("link", name="CSV")).to_have_count(0)
    expect(panel.locator(".plot")).to_have_count(0)


def test_a_search_without_result_says_so(reader: Reader) -> None:
    """Words that nothing bears give a sentence in place of an empty list."""
    page = reader.open("/data", ".search li")
    page.get_by_label("Search places and measurements").fill("zzzz")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()


def test_the_list_begins_with_what_has_most(reader: Reader) -> None:
    """Without words some series of every feed are there, those with the most observations first: the counters."""
    results = reader.open("/data", ".search li").locator(".search li")
    expect(results.first).to_contain_text("Bicycles")
    expect(results.filter(has_text="Nitrogen dioxide").first).to_be_attached()
