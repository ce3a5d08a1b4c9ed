"""The city at a moment: the slider, the map and its list, profiles and comparisons, as a reader meets them."""

from __future__ import annotations

import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.conftest import Reader, open_context, run_node

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply

pytestmark = pytest.mark.browser

COUNTER = "18 quai de l'Hôtel de Ville NO-SE"
RECORDING = "paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"
MEANS = "geodair_no2/pollution_paris_no2_daily_clean.csv"
LIST = ".list li"


def bicycles_at(moment: datetime) -> int:
    """The publisher's last count at the counter of an hour that had begun by then (its times are UTC)."""
    table = pl.read_parquet(find_data_file(RECORDING), columns=["counter_name", "date", "bike_count"])
    begun = pl.col("date").cast(pl.Datetime("us")) <= moment.replace(tzinfo=None)
    here = table.filter((pl.col("counter_name").cast(pl.String) == COUNTER) & begun)
    return int(here.sort("date")["bike_count"][-1])


def find_counter(reader: Reader) -> str:
    """The id of the counter's place."""
    answer = httpx.get(f"{reader.url}/api/v1/places", params={"q": COUNTER}).json()
    return str(answer["items"][0]["id"])


def expect_value(page: Page, hour: datetime) -> None:
    """The list comes to say what the file does."""
    count = bicycles_at(hour)
    row = page.locator(LIST).get_by_role("button", name=COUNTER)
    expect(row.locator(".value")).to_have_text(f"{count:,}\N{NO-BREAK SPACE}bicycle{'' if count == 1 else 's'}")


def test_it_opens_on_something_worth_seeing(reader: Reader) -> None:
    """Bicycles, of which most is held; at noon of the last day that has one; every sector named, the absent as such."""
    page = reader.open("/city", LIST)
    expect(page.get_by_label("What the map shows").locator("option:checked")).to_have_text("Bicycles counted")
    expect(page.get_by_text("52 of 52 places have a value: 9 Aug 2021, 12:00.")).to_be_visible()
    expect(page.get_by_text("Nothing newer than 10 Aug 2021")).to_be_visible()
    sectors = page.get_by_role("list", name="Sectors").locator("> li")
    expect(sectors).to_have_count(6)
    expect(sectors.filter(has_text="absent: no data yet")).to_have_count(4)
    held = page.get_by_role("img", name=re.compile("observations are held"))
    expect(held).to_have_accessible_name(re.compile("from 1 Sept 2020 to 10 Aug 2021, in 12 months"))


def test_the_keyboard_moves_through_the_hours(reader: Reader) -> None:
    """Arrow keys step by the hour, page keys by the day; on 25 October 2020 two o'clock comes twice, and of the first
    the publisher has no count, so that the one before it stands."""
    page = reader.open("/city?at=2020-10-25T00:00:00Z", LIST)
    page.get_by_label("Find a place").fill("hotel de ville no-se")
    hour = datetime(2020, 10, 25, 0, tzinfo=UTC)
    expect_value(page, hour)
    slider = page.get_by_role("slider", name="Moment")
    slider.focus()
    expect(slider).to_have_attribute("aria-valuetext", "25 Oct 2020, 02:00")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "25 Oct 2020, 02:00")
    expect_value(page, hour + timedelta(hours=1))
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "25 Oct 2020, 03:00")
    expect_value(page, hour + timedelta(hours=2))
    expect(page).to_have_url(re.compile(re.escape("at=2020-10-25T02%3A00%3A00Z")))
    page.keyboard.press("PageDown")
    # A day back on the clocks, which is 25 hours.
    expect(slider).to_have_attribute("aria-valuetext", "24 Oct 2020, 03:00")
    expect_value(page, datetime(2020, 10, 24, 1, tzinfo=UTC))


def test_a_date_can_be_entered(reader: Reader) -> None:
    """The field is on the city's clocks, for a reader in New York too: 15 January 2021, 08:00 is 07:00 UTC."""
    page = reader.open("/city", LIST)
    page.get_by_label("Date and time (Europe/Paris)").fill("2021-01-15T08:00")
    page.get_by_role("button", name="Go there").click()
    page.get_by_label("Find a place").fill("hotel de ville no-se")
    expect_value(page, datetime(2021, 1, 15, 7, tzinfo=UTC))


def test_play_goes_on_and_stops(reader: Reader) -> None:
    """Play moves from hour to hour until it is stopped; the address then keeps the moment."""
    page = reader.open("/city?at=2021-01-15T07:00:00Z", LIST)
    slider = page.get_by_role("slider", name="Moment")
    page.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_attribute("aria-valuetext", "15 Jan 2021, 08:00")
    page.get_by_role("button", name="Pause").click()
    expect(page).not_to_have_url(re.compile("T07%3A00"))


def test_as_known_then_is_what_was_known(reader: Reader) -> None:
    """A file imported today wasn't known in 2021: nothing is shown as current, and the page says why."""
    page = reader.open("/city?at=2021-01-15T07:00:00Z", LIST)
    page.get_by_role("radio", name="As known then").check(force=True)
    expect(page.get_by_text("At that moment this node knew nothing of it yet.")).to_be_visible()
    expect(page.locator(LIST).first).to_contain_text("none by then")
    expect(page).to_have_url(re.compile("known=then"))
    page.get_by_role("radio", name="As it was").check(force=True)
    expect(page.get_by_text("52 of 52 places have a value")).to_be_visible()


def test_a_profile_by_keyboard(reader: Reader) -> None:
    """Enter on a place opens its profile, focus on its name: its sector with the value, the others named as absent;
    closing gives the focus back."""
    page = reader.open("/city?at=2021-01-15T07:00:00Z", LIST)
    page.get_by_label("Find a place").fill("hotel de ville no-se")
    row = page.locator(LIST).get_by_role("button", name=COUNTER)
    row.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=COUNTER)).to_be_focused()
    panel = page.get_by_role("region", name=COUNTER)
    expect(panel).to_contain_text(f"{bicycles_at(datetime(2021, 1, 15, 7, tzinfo=UTC))}")
    for absent in ("No energy data", "No water data", "No waste data", "No air data", "No data from citizens"):
        expect(panel).to_contain_text(absent)
    panel.get_by_role("button", name="Close").click()
    expect(row).to_be_focused()


def test_a_profile_follows_the_slider(reader: Reader) -> None:
    """Steps of the slider change the profile that is open, and the focus stays on the slider."""
    page = reader.open(f"/city?at=2021-01-15T07:00:00Z&place={find_counter(reader)}", "#profile-title")
    panel = page.get_by_role("region", name=COUNTER)
    slider = page.get_by_role("slider", name="Moment")
    slider.focus()
    for hour in (8, 9):
        page.keyboard.press("ArrowRight")
        expect(panel).to_contain_text(
            f"{bicycles_at(datetime(2021, 1, 15, hour, tzinfo=UTC))}\N{NO-BREAK SPACE}bicycles"
        )
        expect(slider).to_be_focused()


def test_an_area_adds_up(reader: Reader) -> None:
    """The 4th arrondissement's counters are added up, and each can be read; the list of areas does what clicks do."""
    page = reader.open("/city?at=2021-01-15T08:00:00Z", LIST)
    page.get_by_label("Or choose an official area").select_option(label="4ème Ardt")
    panel = page.get_by_role("region", name="4ème Ardt")
    expect(panel).to_contain_text("in all, from 4 series")
    panel.get_by_text("Each of them").click()
    asked = {"area": "arrondissement:75104", "at": "2021-01-15T08:00:00Z"}
    values = httpx.get(f"{reader.url}/api/v1/values", params=asked).json()["items"]
    total = sum(one["newest"]["value"] for one in values)
    expect(panel).to_contain_text(f"{total:,.0f}\N{NO-BREAK SPACE}bicycles")


def test_two_places_side_by_side(reader: Reader) -> None:
    """From a profile, the next place that is chosen is compared: both lines on one axis, and the numbers of both."""
    page = reader.open("/city?what=geodair-no2-mean/no2_daily_mean&place=geodair:FR04055", LIST)
    page.get_by_role("button", name="Compare with another place").click()
    page.locator(LIST).get_by_role("button", name="Av Champs Elysees").click()
    title = "PARIS 1er Les Halles and Av Champs Elysees"
    expect(page.get_by_role("heading", name=title)).to_be_focused()
    panel = page.get_by_role("region", name=title)
    expect(panel.locator(".plot")).to_have_accessible_name(re.compile("25 Sept 2019 to 4 Dec 2025"))
    panel.get_by_text("Read the numbers").click()
    expect(panel.locator("thead th")).to_have_text(["Time", "PARIS 1er Les Halles", "Av Champs Elysees"])
    expect(panel.locator("tbody tr").first).to_be_visible()


def test_unlike_definitions_are_refused_with_the_reason(reader: Reader) -> None:
    """A daily mean beside daily maxima: no chart, and why."""
    page = reader.open("/city?place=geodair:FR04055&with=geodair:FR01011", "#comparison-title")
    panel = page.get_by_role("region", name="PARIS 1er Les Halles and Metz-Centre")
    expect(panel).to_contain_text("Nothing that both places measure may be put side by side.")
    expect(panel).to_contain_text("One is the mean and the other the maximum of what was measured")
    expect(panel.locator(".plot")).to_have_count(0)


def test_a_click_on_the_map_opens_what_is_there(map_reader: Reader) -> None:
    """A mark that is pointed at says its number, and a click on it opens the place."""
    page = map_reader.open("/city?at=2021-01-15T07:00:00Z", LIST)
    canvas = page.get_by_role("region", name=re.compile("Map of the places"))
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    pointed = page.locator(".frame .pointed")
    # The marks are a drawing: the pointer goes over the map in lines until one answers.
    for step in range(0, 400 * 400, 400):
        page.mouse.move(box["x"] + box["width"] / 2 - 100 + step % 200, box["y"] + 20 + step / 400)
        page.mouse.move(box["x"] + box["width"] / 2 + step % 120, box["y"] + 20 + step / 400)
        if pointed.count():
            break
    name = pointed.inner_text().split(":")[0]
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def make_png() -> bytes:
    """One grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


@contextmanager
def serve_tiles() -> Iterator[tuple[str, list[str]]]:
    """The origin of a server of tiles, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.send_header("access-control-allow-origin", "*")
            self.end_headers()
            self.wfile.write(make_png())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_tiles_are_asked_of_the_origin_that_is_set(drawing_browser: Browser, tmp_path: Path) -> None:
    """With `[tiles]` in its city file a node admits that origin's pictures, and the map draws them
    under its attribution."""
    folder = tmp_path / "paris"
    create_folder(folder, "paris")
    with serve_tiles() as (origin, asked):
        table = f'\n[tiles]\nurl = "{origin}/{{z}}/{{x}}/{{y}}.png"\nattribution = "A map of grey"\n'
        with (folder / "city.toml").open("a", encoding="utf-8") as file:
            file.write(table)
        with closing(open_archive(folder)) as archive:
            reply = Reply(find_data_file(MEANS).read_bytes(), datetime.now(UTC))
            archive.admit(archive.keep("geodair-no2-mean", reply).reply_id)
        with run_node(folder) as url, open_context(drawing_browser) as context:
            policy = httpx.get(url).headers["content-security-policy"]
            assert f"img-src 'self' data: blob: {origin};" in policy
            assert f"connect-src 'self' {origin};" in policy
            assert policy.count(origin) == 2
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            with page.expect_response(lambda answer: answer.url.startswith(origin)):
                page.goto(f"{url}/city")
            expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("A map of grey")
            assert complaints == []
        assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", path) for path in asked)
