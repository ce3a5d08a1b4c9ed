"""A new study on the page, on Paris' real bicycle counters: from what changed to a finding in the list, by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from tests.web.conftest import Reader, make_folder, run_node
from tests.web.test_page import run_axe

from passerelle.archive.opening import open_archive
from passerelle.registry.database import writing
from passerelle.registry.officers import set_officer

pytestmark = pytest.mark.browser

NAME, PASSWORD = "jeanne", "correct horse battery"
TITLE = "Wider lanes on boulevard Diderot"
DIDEROT = ["counter:100007049-101007049", "counter:100007049-102007049"]
SLOW_MS = 90_000
"""Power and a run are computed: some seconds alone, more where other tests compute beside them."""

CHOICES = {
    "title": {"en": TITLE, "fr": ""},
    "what": {"en": "", "fr": ""},
    "by": "Ville de Paris",
    "linkTitle": "Council of March",
    "linkUrl": "https://example.org/",
    "start": "2021-04-05",
    "ramp": "",
    "end": "",
    "whereName": {"en": "", "fr": ""},
    "geometry": None,
    "places": DIDEROT,
    "outcome": {"feed": "bike-counters", "quantity": "bicycle_count", "facet": ""},
    "treated": DIDEROT,
    "wanted": "up",
    "smallest": 10,
    "until": "2021-07-04",
    "reach": 500,
    "comparison": None,
    "before": "",
    "every": "",
    "method": "auto",
    "scale": "",
    "level": 0.95,
    "leastSeen": 0.8,
    "publishOn": "",
    "id": "",
    "toml": "",
}
STEPS = {
    "what": "What changed?",
    "where": "Where?",
    "outcome": "What should have moved?",
    "comparison": "Compared with where?",
    "power": "What could it show?",
    "declare": "Declare it",
}


@pytest.fixture(scope="module")
def study_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node of its own, with an officer: what is declared here is in nobody else's way."""
    folder = tmp_path_factory.mktemp("study") / "paris"
    make_folder(folder)
    archive = open_archive(folder)
    with writing(archive.engine) as connection:
        set_officer(connection, NAME, PASSWORD, datetime.now(UTC))
    archive.close()
    with run_node(folder) as url:
        yield url


@pytest.fixture
def drafter(context: BrowserContext, study_url: str) -> Iterator[Reader]:
    """Somebody who drafts, whose page must not complain."""
    made = Reader(context.new_page(), study_url)
    made.watch()
    yield made
    assert made.complaints == []


def open_step(drafter: Reader, step: str, language: str = "en") -> Page:
    """The page at a step of a draft in which everything is chosen, as it was left in this browser."""
    draft = {"key": "kept", "changed": 0, "step": step, "choices": CHOICES, "declared": None}
    drafter.page.goto(f"{drafter.url}/studies/new?lang={language}")
    drafter.page.evaluate("(drafts) => localStorage.setItem('passerelle.drafts.paris', drafts)", json.dumps([draft]))
    drafter.page.reload()
    drafter.page.locator("#step").wait_for()
    return drafter.page


def wait_for_answers(page: Page) -> None:
    """Return once nothing on the page is being asked for."""
    expect(page.locator("main [role=status]").filter(has_text="…")).to_have_count(0, timeout=SLOW_MS)


def reach(page: Page, target: Locator) -> Locator:
    """`target`, once the tab key has come to it."""
    target.wait_for()
    for _ in range(200):
        if target.evaluate("(element) => element === document.activeElement"):
            return target
        page.keyboard.press("Tab")
    raise AssertionError(f"the tab key doesn't reach {target}")


def write(page: Page, label: str, text: str) -> None:
    """Type into the field of a label, by keyboard."""
    reach(page, page.get_by_label(label, exact=True).first)
    page.keyboard.type(text)


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Press the button of a name, by keyboard."""
    reach(page, page.get_by_role("button", name=name, exact=True))
    page.keyboard.press(key)


def go_on(page: Page, to: str) -> None:
    """Continue to the step of that heading, which has the focus then."""
    press(page, "Continue")
    expect(page.get_by_role("heading", name=to)).to_be_focused()


def test_from_what_changed_to_a_finding_by_keyboard(drafter: Reader) -> None:
    """Nothing statistical is typed and no pointer used; the finding stands in the list of the first page, and the study
    was declared after its data: it says so."""
    page = drafter.page
    page.goto(drafter.url)
    reach(page, page.get_by_role("link", name="New study"))
    page.keyboard.press("Enter")
    write(page, "What changed, in a few words", TITLE)
    reach(page, page.get_by_label("First day"))
    # Parts of a date are typed in the order in which the browser shows them: month, day, year.
    page.keyboard.type("04052021")
    expect(page.get_by_label("First day")).to_have_value("2021-04-05")
    write(page, "Made by", "Ville de Paris")
    write(page, "Document that says so", "Council of March")
    write(page, "Its address", "https://example.org/")
    go_on(page, STEPS["where"])
    write(page, "Find a place by name", "28 boulevard diderot")
    for direction in ("E-O", "O-E"):
        reach(page, page.get_by_role("checkbox", name=re.compile(f"28 boulevard Diderot {direction}")))
        page.keyboard.press("Space")
    expect(page.get_by_text("2 places chosen.")).to_be_visible()
    go_on(page, STEPS["outcome"])
    reach(page, page.get_by_role("radio", name="Bicycles counted"))
    page.keyboard.press("Space")
    reach(page, page.get_by_role("radio", name="Up", exact=True))
    page.keyboard.press("Space")
    go_on(page, STEPS["comparison"])
    expect(page.get_by_text(re.compile(r"Compared with \d\d places\."))).to_be_visible()
    go_on(page, STEPS["power"])
    expect(page.get_by_text(re.compile("^With 2 places and 13 weeks after, this test"))).to_be_visible(timeout=SLOW_MS)
    go_on(page, STEPS["declare"])
    write(page, "Name", NAME)
    write(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Signed in as {NAME}.")).to_be_visible()
    press(page, "Declare the study")
    expect(page.get_by_role("heading", name="Run it")).to_be_focused()
    press(page, "Run the study")
    finding = page.locator(".finding")
    expect(finding).to_contain_text(re.compile("boulevard Diderot"), timeout=SLOW_MS)
    reach(page, page.get_by_role("link", name="Open the case file"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(page.get_by_text("Declared after the fact")).to_be_visible()
    page.goto(drafter.url)
    row = page.locator("main ol > li").filter(has_text=TITLE)
    expect(row.locator("span.verdict")).to_have_count(1)


def test_what_lacks_is_said_and_nothing_is_skipped(drafter: Reader) -> None:
    """Continue says what lacks; steps that need it can't be gone to."""
    page = drafter.page
    page.goto(f"{drafter.url}/studies/new")
    expect(page.get_by_role("button", name="Power")).to_be_disabled()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_have_text("Say what changed, in a few words.")
    page.get_by_label("What changed, in a few words").first.fill("x")
    expect(page.get_by_role("alert")).to_have_text("Say on which day it began, or is to begin.")


def test_leaving_and_coming_back_loses_nothing(drafter: Reader) -> None:
    """A draft is there after the page is left, another can be begun beside it, and each is resumed or deleted."""
    page = drafter.page
    page.goto(f"{drafter.url}/studies/new")
    title = page.get_by_label("What changed, in a few words").first
    title.fill("First draft")
    page.goto(f"{drafter.url}/feeds")
    page.goto(f"{drafter.url}/studies/new")
    expect(title).to_have_value("First draft")
    page.get_by_role("button", name="Begin another study").click()
    expect(title).to_have_value("")
    title.fill("Second draft")
    page.get_by_text("1 other draft").click()
    page.get_by_role("button", name="Go on First draft").click()
    expect(title).to_have_value("First draft")
    page.get_by_role("button", name="Delete the draft", exact=True).click()
    expect(title).to_have_value("")
    expect(page.get_by_text("1 other draft")).to_be_visible()


def test_each_choice_is_undone_and_done_again(drafter: Reader) -> None:
    """Undo takes back one choice at a time, by its button or by Ctrl+Z, and redo brings it back."""
    page = open_step(drafter, "outcome")
    up, down = (page.get_by_role("radio", name=name, exact=True) for name in ("Up", "Down"))
    expect(up).to_be_checked()
    down.check()
    page.get_by_role("radio", name="20%").check()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("radio", name="10%")).to_be_checked()
    expect(down).to_be_checked()
    page.locator("#step").focus()
    page.keyboard.press("Control+z")
    expect(up).to_be_checked()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.get_by_role("button", name="Redo").click()
    expect(down).to_be_checked()


def test_a_ground_is_drawn_on_the_map(drafter: Reader) -> None:
    """Three clicks and the places within are chosen; the ground is where the change is made."""
    page = open_step(drafter, "where")
    page.get_by_role("button", name="Choose none").click()
    expect(page.get_by_text("0 places chosen.")).to_be_visible()
    page.get_by_role("button", name="Draw a ground").click()
    drawing = page.get_by_role("img", name=re.compile("^Map of the places"))
    box = drawing.bounding_box()
    assert box is not None
    for x, y in ((0.02, 0.02), (0.98, 0.02), (0.5, 0.98)):
        drawing.click(position={"x": box["width"] * x, "y": box["height"] * y})
    page.get_by_role("button", name="Close the ground").click()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* places chosen\."))).to_be_visible()
    kept = page.evaluate("JSON.parse(localStorage.getItem('passerelle.drafts.paris'))[0].choices")
    assert kept["geometry"]["type"] == "Polygon"
    # Three corners, and the first again.
    assert len(kept["geometry"]["coordinates"][0]) == 4
    assert 0 < len(kept["places"]) <= 200


def test_a_ground_is_chosen_without_drawing(drafter: Reader) -> None:
    """All within 300 m of a counter: both of its directions, and nothing of what lies farther."""
    page = open_step(drafter, "where")
    page.get_by_label("All around a place").select_option(label="28 boulevard Diderot E-O")
    page.get_by_label("Within (metres)").fill("300")
    page.get_by_role("button", name="Choose the places around it").click()
    expect(page.get_by_text("2 places chosen.")).to_be_visible()


def test_the_comparison_is_proposed_and_edited(drafter: Reader) -> None:
    """A place is taken out and back by hand, a longer reach proposes fewer, and the proposal can be gone back to."""
    page = open_step(drafter, "comparison")
    count = page.locator(".count strong")
    expect(count).to_have_text(re.compile(r"\d+"))
    proposed = int(re.sub(r"\D", "", count.inner_text()))
    page.get_by_role("group", name="Places to compare with").get_by_role("checkbox").first.uncheck()
    expect(count).to_have_text(f"Compared with {proposed - 1} places.")
    page.get_by_role("button", name=f"Back to the {proposed} proposed").click()
    expect(count).to_have_text(f"Compared with {proposed} places.")
    page.get_by_label("How far may the change reach? (metres)").fill("3000")
    expect(count).not_to_have_text(f"Compared with {proposed} places.")
    page.get_by_role("button", name="Compare with no other place").click()
    expect(page.get_by_text("held against their own course before")).to_be_visible()


def test_the_file_is_the_declaration(drafter: Reader, tmp_path: Path) -> None:
    """What is downloaded is what the node would declare; an edit of it says all from then on."""
    page = open_step(drafter, "declare")
    page.get_by_text("The declaration as a file").click()
    text = page.get_by_label("Declaration (TOML)")
    expect(text).to_have_value(re.compile(r"^\[change\]"))
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the file").click()
    downloading.value.save_as(tmp_path / "study.toml")
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == text.input_value()
    text.fill("[change]")
    page.reload()
    page.get_by_text("The declaration as a file").click()
    expect(text).to_have_value("[change]")
    page.get_by_role("button", name="Drop my edits").click()
    expect(text).to_have_value(re.compile(r"^\[change\]\nid = "))


def test_a_wrong_password_is_said(drafter: Reader) -> None:
    """Nothing tells which of the two was wrong, and the draft stays."""
    page = open_step(drafter, "declare")
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("No account of this node has that name and password.")
    # The browser itself notes each refusal.
    refused = [complaint for complaint in drafter.complaints if "401" in complaint]
    assert refused == drafter.complaints
    drafter.complaints.clear()


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_for_everybody(drafter: Reader, step: str) -> None:
    """axe finds nothing in both languages and colour schemes, and nothing is wider than a phone of 320 pixels."""
    found = []
    for language in ("en", "fr"):
        page = open_step(drafter, step, language)
        wait_for_answers(page)
        for summary in page.locator("main section details summary").all():
            summary.click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{language}, {scheme}: {violation}" for violation in run_axe(page)]
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.set_viewport_size({"width": 1280, "height": 900})
    assert found == []
