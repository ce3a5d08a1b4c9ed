"""The board of feeds and a feed's own page, as a reader meets them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect
from tests.web.conftest import READY_SECONDS, Reader, run_node
from tests.web.test_page import run_axe

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.registry.tokens import Scope

pytestmark = pytest.mark.browser

FEED = "geodair-no2-mean"
TITLE = "Nitrogen dioxide, daily means of two stations in Paris"


def read_feeds(url: str) -> list[dict[str, Any]]:
    """The feeds, once all that have data are judged."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        feeds = list(httpx.get(f"{url}/api/v1/feeds").json()["items"])
        if all(feed["trust"] for feed in feeds if feed["observations"]):
            return feeds
        assert time.monotonic() < deadline, "not judged"
        time.sleep(0.1)


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
    strips = page.locator(".file .series").get_by_role("img")
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
    strip = page.locator(".file .series").get_by_role("img").first
    expect(strip).to_have_attribute("aria-label", re.compile(r"en rouge\.$"))


def test_filters_keep_what_they_say_and_stand_in_the_address(reader: Reader) -> None:
    """By sector, light and words, accents forgiven; the address opens the same list again."""
    feeds = read_feeds(reader.url)
    page = reader.open("/feeds", "main section > ul > li")
    rows = page.locator("main section > ul > li")
    page.get_by_label("Sector").select_option("Air")
    expect(rows).to_have_count(sum("air" in feed["sectors"] for feed in feeds))
    page.get_by_label("Light").select_option("not judged yet")
    judged = [feed for feed in feeds if feed["trust"]]
    expect(rows).to_have_count(sum("air" in feed["sectors"] and feed not in judged for feed in feeds))
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Words").fill("velib metropole")
    expect(rows).to_have_count(sum("Métropole" in feed["publisher"] for feed in feeds))
    expect(page).to_have_url(re.compile(r"/feeds\?q=velib\+metropole$"))
    page.reload()
    expect(rows).to_have_count(sum("Métropole" in feed["publisher"] for feed in feeds))


def test_the_board_begins_with_a_summary(reader: Reader) -> None:
    """How many feeds there are, and how many have each light."""
    feeds = read_feeds(reader.url)
    lights = [feed["trust"]["light"] if feed["trust"] else "none" for feed in feeds]
    red, amber, green, none = (lights.count(light) for light in ("red", "amber", "green", "none"))
    told = f"{red} of {len(feeds)} feeds are red, {amber} amber, {green} green, {none} not judged yet"
    expect(reader.open("/feeds", "main section > ul > li").locator(".summary")).to_have_text(told)


def test_a_feed_says_how_it_has_fared(reader: Reader) -> None:
    """A strip that says in words what it draws; the periods in numbers; what checks found, with its evidence."""
    record = httpx.get(f"{reader.url}/api/v1/feeds/{FEED}/record").json()
    page = reader.open(f"/feeds/{FEED}", ".file .series > li")
    part = page.locator("section", has=page.get_by_role("heading", name="How it has fared"))
    red = sum(one["light"] == "red" for one in record["periods"])
    told = re.compile(f"{len(record['periods'])} periods, {red} of them red, ")
    expect(part.get_by_role("img")).to_have_attribute("aria-label", told)
    part.get_by_text("Read the numbers").click()
    expect(part.locator("tbody tr")).to_have_count(min(len(record["periods"]), 100))
    found = page.locator("section", has=page.get_by_role("heading", name="Gaps, changed replies"))
    gaps = next(one for one in record["checks"] if one["check"] == "gaps")
    found.get_by_label("Check").select_option("gaps")
    expect(found).to_contain_text(f"{gaps['red'] + gaps['amber']} intervals are marked")
    expect(page).to_have_url(re.compile("check=gaps$"))
    expect(found.locator("ol > li").first).to_contain_text("Gaps ·")
    found.get_by_text("What the check saw").first.click()
    expect(found.locator("table tbody tr").first).to_be_visible()


def test_a_feed_gives_its_last_good_reply(reader: Reader) -> None:
    """Its hash is that of the file that was imported, and the file can be saved."""
    page = reader.open(f"/feeds/{FEED}", ".file .series > li")
    body = find_data_file("geodair_no2/pollution_paris_no2_daily_clean.csv").read_bytes()
    part = page.locator("section", has=page.get_by_role("heading", name="Replies", exact=True))
    expect(part.locator("code")).to_have_text(hashlib.sha256(body).hexdigest())
    link = part.get_by_role("link", name="Save as they came").get_attribute("href") or ""
    assert httpx.get(reader.url + link).content == body
    reader.open("/feeds/geodair-no2-max", ".file .series > li")
    expect(part).to_contain_text("kept on this node: Licence Ouverte 2.0")


def test_a_feed_leads_to_what_rests_on_it(reader: Reader) -> None:
    """The counters' page names the finding with its verdict, and the dataset."""
    page = reader.open("/feeds/bike-counters", ".file .series > li")
    part = page.locator("section", has=page.get_by_role("heading", name="What rests on it"))
    expect(part.get_by_role("listitem")).to_contain_text("fell")
    part.get_by_role("link", name="Bicycles counted").click()
    expect(page).to_have_url(re.compile("/data/bike-counters/bicycle_count$"))
    page.go_back()
    part.get_by_role("link", name="18:00 curfew").click()
    expect(page).to_have_url(re.compile("/changes/curfew-18h-2021$"))


@dataclass(frozen=True)
class Changed:
    """A node one of whose feeds has answered twice, the second time with another column, and a sender's token."""

    url: str
    token: str


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changed]:
    folder = tmp_path_factory.mktemp("changed") / "paris"
    create_folder(folder, "paris")
    archive = open_archive(folder)
    body = find_data_file("geodair_no2/pollution_paris_no2_daily_clean.csv").read_bytes()
    head, _, rows = body.partition(b"\n")
    now = datetime.now(UTC)
    for received, one in ((now - timedelta(hours=2), body), (now, head.replace(b"zone", b"district") + b"\n" + rows)):
        archive.admit(archive.keep(FEED, Reply(one, received, name="means.csv")).reply_id)
    _, token = archive.create_token(name="sender", scope=Scope.OBSERVATIONS, feed="bike-counters")
    archive.close()
    with run_node(folder) as url:
        yield Changed(url, token)


@pytest.fixture
def changed_reader(context: BrowserContext, changed: Changed) -> Iterator[Reader]:
    made = Reader(context.new_page(), changed.url)
    made.watch()
    yield made
    assert made.complaints == []


def test_changed_names_are_shown_as_a_difference(changed_reader: Reader) -> None:
    """What went, what came, which replies were compared and when; each said in words too."""
    page = changed_reader.open(f"/feeds/{FEED}?check=schema", ".file .diff")
    diff = page.locator(".diff")
    expect(diff.locator("del")).to_have_text("gone: zone")
    expect(diff.locator("ins")).to_have_text("new: district")
    expect(diff).to_contain_text(re.compile(r"Reply \d+, received .*, against reply \d+"))
    assert run_axe(page) == []


def test_rows_follow_what_happens_and_stay_in_place(changed_reader: Reader, changed: Changed) -> None:
    """A value of 2021 posted to a feed of today turns it red as one looks, in its place until sorted anew."""
    page = changed_reader.open("/feeds", "main section > ul > li")
    rows = page.locator("main section > ul > li")
    titles = page.locator("main section > ul > li h2").all_inner_texts()
    row = rows.filter(has_text="Permanent bicycle counters")
    expect(row.locator(".light")).to_contain_text("no data yet")
    with httpx.Client(base_url=f"{changed.url}/api/v1", headers={"authorization": f"Bearer {changed.token}"}) as sender:
        place = {"id": "counter:late", "kind": "counter", "name": "Late"}
        series = sender.post("/series", json={"place": place, "quantity": "bicycle_count"}).json()["id"]
        one = {"series": series, "start": "2021-03-01T10:00:00Z", "end": "2021-03-01T11:00:00Z", "value": 5}
        assert sender.post("/observations", json=one).status_code == 201
    expect(row.locator(".light > span").first).to_have_text("red")
    assert page.locator("main section > ul > li h2").all_inner_texts() == titles
    page.get_by_role("button", name="Sort again, worst first").click()
    expect(rows.first).to_contain_text("Permanent bicycle counters")


def test_the_owners_message_is_ready_in_both_languages(changed_reader: Reader, changed: Changed) -> None:
    """The red feed's message in the reader's language or the other one, copied, or opened in a mail program."""
    trust = httpx.get(f"{changed.url}/api/v1/feeds/bike-counters").json()["trust"]
    page = changed_reader.open("/feeds/bike-counters", ".file .series > li")
    told = page.locator("details", has_text="Message to the owner")
    told.locator("summary").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("radio", name="French").check()
    told.get_by_role("button", name="Copy").click()
    expect(told.get_by_role("status")).to_have_text("Copied")
    message = trust["message"]
    assert page.evaluate("navigator.clipboard.readText()") == f"{message['subject']['fr']}\n\n{message['body']['fr']}"
    mail = urlsplit(page.get_by_role("link", name="Open in a mail program").get_attribute("href") or "")
    sent = parse_qs(mail.query)
    assert (mail.scheme, mail.path, sent["subject"]) == ("mailto", "", [message["subject"]["fr"]])
    assert sent["body"] == [message["body"]["fr"].replace("\n", "\r\n")]
    expect(told).to_contain_text("This node knows no mail address of the owner.")
    assert run_axe(page) == []
