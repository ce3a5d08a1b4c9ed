"""The case file of a study of places: whom they were compared with, effects by time, other methods, amendments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.sync_api import expect
from tests.web.conftest import CHECKOUT, Reader, run_node
from tests.web.test_page import run_axe

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.studies.declared.declaration import Declaration, read_declaration
from passerelle.studies.declared.declaring import amend, declare
from passerelle.studies.run import run_study

pytestmark = pytest.mark.browser

DECLARED = CHECKOUT / "tests" / "studies" / "declared" / "prop99.toml"


@pytest.fixture(scope="module")
def node_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node that holds Proposition 99, judged twice: by Callaway-Sant'Anna, then, amended, by synthetic control."""
    folder: Path = tmp_path_factory.mktemp("case") / "folder"
    create_folder(folder, "reference")
    archive = open_archive(folder)
    declared = read_declaration(DECLARED)
    (bundle,) = (one for one in archive.city.bundles if one.feed == declared.study.outcome.feed)
    reply = Reply(find_data_file(bundle.path).read_bytes(), datetime.now(UTC), name=Path(bundle.path).name)
    archive.admit(archive.keep(bundle.feed, reply).reply_id)
    study = msgspec.structs.replace(declared.study, method="sc", alternatives=("did",))  # type: ignore[call-arg]
    declare(archive, declared)
    amend(archive, Declaration(declared.change, study), "one state is like no mean of the others")
    run_study(archive, study.id)
    archive.close()
    with run_node(folder) as address:
        yield address


def test_whom_it_was_compared_with(reader: Reader) -> None:
    """Weights, most first, with their figures; the lists of states; the other declared method; the amendment."""
    finding = httpx.get(f"{reader.url}/api/v1/changes/proposition-99").json()["finding"]
    first, *_ = finding["weights"]
    case = reader.open_case("proposition-99").locator(".case")
    bars = case.locator("figure", has=reader.page.get_by_role("heading", name="Who it was compared with"))
    expect(bars.locator("li").first).to_contain_text(first["name"])
    expect(bars.locator("li").first).to_contain_text(f"{first['weight']:.2f}")
    expect(case).to_contain_text("California: 1")
    expect(case).to_contain_text("Other states: 38")
    expect(case).to_contain_text(re.compile(r"What other methods say.*−27\spacks a head", re.DOTALL))
    expect(case).to_contain_text(re.compile(r"Amended since it was declared.*one state is like no mean", re.DOTALL))
    expect(case).to_contain_text("The outcome could be seen by then.")
    expect(case).to_contain_text("Each point is a year.")


def test_placebos_are_places(reader: Reader) -> None:
    """As many strokes as states without the change, and their names in the table."""
    case = reader.open_case("proposition-99").locator(".case")
    strip = case.locator("figure", has=reader.page.get_by_role("heading", name="Where nothing was done"))
    expect(strip.locator("line.placebo")).to_have_count(38)
    strip.get_by_text("Read the numbers").click()
    expect(strip.get_by_role("region")).to_contain_text("Utah")


def test_it_prints_on_two_sheets(reader: Reader) -> None:
    """At most two pages of A4, with the longer list of checks of a study of places."""
    page = reader.open_case("proposition-99")
    expect(page.locator(".case .plot")).to_be_visible()
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) <= 2


def test_axe_finds_nothing(reader: Reader) -> None:
    """In both languages and both colour schemes, with every list of the case file opened."""
    page = reader.open_case("proposition-99")
    expect(page.locator(".case details")).to_have_count(6)
    for at in range(6):
        page.locator(".case details").nth(at).locator("summary").click()
    for language in ("EN", "FR"):
        page.get_by_role("button", name=f"{language}, ").click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert run_axe(page) == []


def test_a_small_phone_needs_no_sideways_scroll(reader: Reader) -> None:
    """At 320 CSS pixels nothing is wider than the screen, in both languages."""
    page = reader.page
    page.set_viewport_size({"width": 320, "height": 640})
    reader.open_case("proposition-99")
    for language in ("EN", "FR"):
        page.get_by_role("button", name=f"{language}, ").click()
        expect(page.locator(".case details").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 320
