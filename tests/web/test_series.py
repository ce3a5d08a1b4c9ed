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
    page = reader.open("/data", ".datasets li")
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


@pytest.mark.parametrize(("words", "count"), [("hotel de ville no-se", 1), ("hotle de vile", 2)])
def test_search_forgives_and_the_keyboard_opens_what_it_finds(reader: Reader, words: str, count: int) -> None:
    """“hotel” and “hotle” find “Hôtel”; Tab and Enter open the series; back, the search is as it was."""
    page = reader.open("/data", ".datasets li")
    page.get_by_label("Search places and measurements").focus()
    page.keyboard.type(words)
    result = page.get_by_role("link", name=COUNTER)
    expect(page.locator(".search li")).to_have_count(count)
    expect(page.locator("section > .datasets li").first).to_contain_text(f"{count} of 52 series")
    # The sector's choice and the dataset stand before it, and maybe another counter.
    while not result.evaluate("link => link === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=COUNTER)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/data/[0-9a-z]{13}$"))
    page.go_back()
    expect(page.get_by_label("Search places and measurements")).to_have_value(words)
    expect(page.locator(".search li")).to_have_count(count)


@pytest.mark.parametrize("day", [date(2020, 10, 25), date(2021, 1, 15), date(2021, 3, 28)])
def test_days_are_the_citys(reader: Reader, day: date) -> None:
    """The table says the sum of each civil day of Paris, those of 25 and of 23 hours too, to a reader in New York."""
    page = open_counter(reader)
    page.locator("figure", has_text="Total of each day").get_by_text("Read the numbers").click()
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


def test_a_shorter_span_shows_values_as_published(reader: Reader) -> None:
    """A week of an hourly series is 168 values, and the address keeps the choice."""
    page = open_counter(reader)
    page.get_by_role("radio", name="1 week").check()
    expect(page.locator(".panel figcaption", has_text="as published")).to_contain_text("168 values")
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
    page = reader.open("/data", ".datasets li")
    page.get_by_label("Search places and measurements").fill("zzzz")
    expect(page.get_by_text("Nothing matches.")).to_be_visible()


def test_the_catalogue_says_what_there_is(reader: Reader) -> None:
    """A line a dataset, those with most first, with title, licence, extent, numbers and light; then the absent."""
    page = reader.open("/data", ".datasets li")
    held = [one for one in httpx.get(f"{reader.url}/api/v1/datasets").json()["items"] if one["rows"]]
    rows = page.locator("section > .datasets > li")
    expect(rows).to_have_count(len(held))
    for at, one in enumerate(held):
        for words in (one["title"]["en"], one["publisher"], one["licence"]["name"], f"{one['rows']:,} observations"):
            expect(rows.nth(at)).to_contain_text(words)
    expect(rows.filter(has_text="daily maxima of 13 stations")).to_contain_text("rows stay on this node")
    expect(page.locator("details .datasets > li").first).not_to_be_visible()
    page.get_by_text("more are declared, and nothing of them has come yet").click()
    expect(page.locator("details .datasets > li").first).to_contain_text("no data yet")


def test_filters_stay_in_the_address(reader: Reader) -> None:
    """Sector and words are kept by the address, and lead to a dataset with the words still in its search."""
    page = reader.open("/data?sector=air", ".datasets li")
    expect(page.locator("section > .datasets > li")).to_have_count(2)
    page.get_by_label("Search places and measurements").fill("elysees")
    expect(page.locator("section > .datasets > li")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?sector=air&q=elysees"))
    page.get_by_role("link", name="Nitrogen dioxide, daily mean").first.click()
    expect(page).to_have_url(re.compile(r"/data/geodair-no2-mean/no2_daily_mean\?q=elysees"))
    expect(page.locator(".search li")).to_have_count(1)


def test_a_dataset_says_which_months_it_has(reader: Reader) -> None:
    """The months in numbers are those of `/api/v1/datasets`; the whole file is the publisher's rows."""
    page = reader.open("/data/bike-counters/bicycle_count", ".search li")
    months = httpx.get(f"{reader.url}/api/v1/datasets/bike-counters/bicycle_count").json()["months"]
    page.get_by_text("Read the numbers").click()
    cells = page.locator(".panel tbody td").all_inner_texts()
    assert cells == [str(month["series"]) for month in months]
    link = page.get_by_role("link", name="Parquet").get_attribute("href") or ""
    frame = pl.read_parquet(io.BytesIO(httpx.get(reader.url + link).content))
    recorded = pl.read_parquet(find_data_file(RECORDING), columns=["bike_count"])
    assert frame["value"].sum() == recorded["bike_count"].sum()


def test_a_dataset_that_may_not_leave_says_why(reader: Reader) -> None:
    """No file and no line for programs, and the licence that keeps it."""
    panel = reader.open("/data/geodair-no2-max/no2_daily_max", ".search li").locator(".panel")
    expect(panel).to_contain_text("Licence Ouverte 2.0) does not let the node hand the rows on")
    expect(panel.get_by_role("tab")).to_have_count(0)
    expect(panel.get_by_role("link", name="CSV")).to_have_count(0)


def test_a_series_says_on_which_days_it_has_values(reader: Reader) -> None:
    """In each month as many days as the publisher's file has of that counter on the calendar of Paris."""
    page = open_counter(reader)
    part = page.locator("figure", has_text="Days with a value")
    part.get_by_text("Read the numbers").click()
    table = pl.read_parquet(find_data_file(RECORDING), columns=["counter_name", "date"])
    local = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Paris")
    days = table.filter(pl.col("counter_name").cast(pl.String) == COUNTER).select(local.dt.date().alias("day")).unique()
    months = days.group_by(pl.col("day").dt.truncate("1mo")).len().sort("day")
    assert part.locator("tbody td").all_inner_texts() == [str(count) for count in months["len"]]
