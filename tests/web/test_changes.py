"""The list of changes and their case files, as a reader meets them."""

from __future__ import annotations

import io
import re
import zipfile

import httpx
import pytest
from playwright.sync_api import expect
from tests.web.conftest import Reader

pytestmark = pytest.mark.browser

CURFEW = "curfew-18h-2021"


def test_a_change_says_what_where_when_and_how_it_ended(reader: Reader) -> None:
    """The row has title, place, civil days of the city, outcome, verdict as a word, effect with interval, and trust."""
    row = reader.open().locator("main ol > li")
    expect(row).to_have_count(1)
    for words in (
        "18:00 curfew",
        "All of Paris",
        # The curfew ended as 20 March began in Paris, which was still 19 March, 19:00, in the reader's New York.
        "16 January – 19 March 2021",
        "Cycling between 18:00 and 20:00",
        "fell",
        "compared with the number at the same counters between 11:00 and 14:00 on the same days",
        "Data: amber",
    ):
        expect(row).to_contain_text(words)
    expect(row.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"Effect −\d+% \(from −\d+% to −\d+%\)"))


def test_the_row_shows_the_findings_own_numbers(reader: Reader) -> None:
    """Effect and interval are those of `/api/v1/changes`, to two figures."""
    effect = httpx.get(f"{reader.url}/api/v1/changes").json()["items"][0]["finding"]["effect"]
    value, low, high = (f"−{abs(effect[name]):.2g}%" for name in ("value", "low", "high"))
    expect(reader.open().locator(".effect > p")).to_have_text(f"{value} (from {low} to {high})")


def test_a_change_opens_by_keyboard_and_back_leads_to_the_list(reader: Reader) -> None:
    """Enter on the title opens the case file at an address of its own, without loading the site anew."""
    page = reader.open()
    page.evaluate("window.stays = true")
    page.get_by_role("link", name="18:00 curfew").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("After the 18:00 curfew of 16 January 2021, the number of bicycles")).to_be_visible()
    expect(page).to_have_url(re.compile(f"/changes/{CURFEW}$"))
    expect(page).to_have_title(re.compile("18:00 curfew.* · Paris · Passerelle"))
    expect(page.locator("main")).to_be_focused()
    page.go_back()
    expect(page.locator("main ol > li")).to_have_count(1)
    assert page.evaluate("window.stays")


def test_a_link_leads_to_the_case_file(reader: Reader) -> None:
    """The address of a change shows its sentence first; sources, checks and exclusions are below."""
    page = reader.open_case(CURFEW)
    expect(page.get_by_role("heading", level=1)).to_contain_text("18:00 curfew")
    case = page.locator(".case")
    for words in ("Attempts to refute it", "Placebo dates", "Christmas school holidays", "vie-publique.fr"):
        expect(case).to_contain_text(words)


def test_the_case_file_has_its_numbers_as_a_table(reader: Reader) -> None:
    """The chart's values can be read: as many days as the finding compared, before and after together."""
    finding = httpx.get(f"{reader.url}/api/v1/changes/{CURFEW}").json()["finding"]
    page = reader.open_case(CURFEW)
    page.get_by_text("Read the numbers").first.click()
    rows = page.get_by_role("region", name="The values of the chart").locator("tbody tr")
    expect(rows).to_have_count(finding["n"]["before"] + finding["n"]["after"])


def test_what_is_chosen_stands_in_the_address(reader: Reader) -> None:
    """A sector without changes says so; cleared, the change is back. An address with filters shows what they leave."""
    page = reader.open()
    page.get_by_label("Sector").select_option("Water")
    expect(page).to_have_url(re.compile("sector=water"))
    expect(page.get_by_text("No change matches what is chosen above.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("main ol > li")).to_have_count(1)
    reader.open("/?verdict=fell&area=arrondissement:75104&from=2021-03-01&to=2021-03-31")
    expect(page.get_by_label("Verdict")).to_have_value("fell")
    expect(page.get_by_label("Place")).to_have_value("arrondissement:75104")
    # The curfew of 18:00 ended as 20 March began, so that it wasn't in force on that day.
    page.get_by_label("In force from").fill("2021-03-20")
    page.get_by_label("In force from").blur()
    expect(page.locator("main ol > li")).to_have_count(0)


def test_what_can_be_taken_away(reader: Reader) -> None:
    """Rows as in the bundle, a reference, plots as SVG and as a picture of dots."""
    page = reader.open_case(CURFEW)
    downloads = page.locator(".downloads")
    expect(downloads.get_by_role("link", name="The comparison, SVG")).to_be_visible()
    finding = httpx.get(f"{reader.url}/api/v1/changes/{CURFEW}").json()["finding"]
    base = f"{reader.url}/api/v1/findings/{finding['id']}"
    bundle = zipfile.ZipFile(io.BytesIO(httpx.get(f"{base}/bundle").content))
    files = httpx.get(f"{base}/files").json()["items"]
    assert {file["name"]: file["bytes"] for file in files} == {one.filename: one.file_size for one in bundle.infolist()}
    rows = downloads.get_by_role("link", name="The observations compared").get_attribute("href")
    assert httpx.get(f"{reader.url}{rows}").content == bundle.read("rows.csv")
    reference = httpx.get(f"{base}/citation")
    assert reference.text.startswith(f"@misc{{{finding['id']},")
    assert f"{reader.url}/changes/{CURFEW}" in reference.text
    absent = httpx.get(f"{base}/files/plots/none.svg")
    assert absent.status_code == 404
    assert "plots/path.en.svg" in absent.json()["detail"]
    with page.expect_download() as picture:
        downloads.get_by_role("button", name="The comparison, PNG").click()
    assert picture.value.suggested_filename == f"{finding['id']}-path.png"
    assert picture.value.path().read_bytes().startswith(b"\x89PNG\r\n")


def test_a_case_file_prints_on_two_sheets(reader: Reader) -> None:
    """At most two pages of A4, whose text says verdict, checks and method, and offers nothing to press."""
    page = reader.open_case(CURFEW)
    expect(page.locator(".case .plot")).to_be_visible()
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) <= 2
    page.emulate_media(media="print")
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("heading", name="Attempts to refute it")).to_be_visible()


def test_the_bundle_is_a_zip(reader: Reader) -> None:
    """The link under the case file gives the archive that the answer rests on."""
    link = reader.open_case(CURFEW).get_by_role("link", name="Download everything")
    body = httpx.get(reader.url + (link.get_attribute("href") or "")).content
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() != []
