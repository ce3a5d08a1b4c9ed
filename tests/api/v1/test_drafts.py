"""Drafts over HTTP, on Paris' real bicycle counters and Autolib's events: from places to a study that is declared."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from passerelle.api.local import LocalNode
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.registry.tokens import Scope
from passerelle.studies.declared.declaration import parse_declaration, read_changes, read_declaration
from passerelle.studies.declared.declaring import register_changes
from passerelle.studies.drafted.pool import PROPOSED

FEEDS = ("bike-counters", "autolib-events")
BICYCLES = {"feed": "bike-counters", "quantity": "bicycle_count"}
DIDEROT = ["counter:100007049-101007049", "counter:100007049-102007049"]
NOTE = {"en": "Wider cycle lanes", "fr": "Pistes cyclables élargies"}
DRAFT: dict[str, Any] = {
    "told": {
        "title": NOTE,
        "what": NOTE,
        "by": "Ville de Paris",
        "link": [{"title": "Council", "url": "https://example.org/"}],
        "where": {"name": {"en": "Boulevard Diderot", "fr": "Boulevard Diderot"}},
    },
    "places": DIDEROT,
    "outcome": BICYCLES,
    "wanted": "up",
    "start": "2021-04-05",
    "until": "2021-07-04",
}


class Paris:
    """A judged Paris, with a token for studies."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.folder = folder
        self.node = LocalNode(folder)
        self._bearer = {"authorization": f"Bearer {secret}"}
        assert "result" in self.node.do("judge", {}, lambda _done, _all: None)

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """The answer; whoever asks is nobody."""
        content = msgspec.json.encode(body)
        return self.node.ask(
            "POST", f"/api/v1{path}", content=content, headers={"content-type": "application/json", **headers}
        )

    def returns(self, place: str, first: str, end: str) -> list[float]:
        """The returns of Utilib at a place on each local day from `first` to before `end`."""
        query = {"place": place, "quantity": "carshare_returns", "q": "utilib", "limit": "10"}
        items = self.node.ask("GET", "/api/v1/series", query).json()["items"]
        (name,) = (one["id"] for one in items if one["facet"] == "utilib")
        span = {"start": f"{first}T00:00:00+01:00", "end": f"{end}T00:00:00+01:00", "limit": "1000"}
        answer = self.node.ask("GET", f"/api/v1/series/{name}/observations", span).json()
        return [row["value"] for row in answer["items"]]

    def declare(self, body: object) -> httpx.Response:
        """The answer to who has the token."""
        return self.post("/studies", body, **self._bearer)


@pytest.fixture(scope="module")
def paris(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paris]:
    """Paris with bicycle counters, Autolib' and the registered changes of the city."""
    folder = tmp_path_factory.mktemp("drafts") / "paris"
    create_folder(folder, "paris")
    archive = open_archive(folder)
    register_changes(archive, read_changes("paris"))
    for bundle in archive.city.bundles:
        if bundle.feed in FEEDS:
            body = find_data_file(bundle.path).read_bytes()
            archive.admit(archive.keep(bundle.feed, Reply(body, datetime.now(UTC))).reply_id)
    _, secret = archive.create_token(name="studies", scope=Scope.STUDIES)
    archive.close()
    found = Paris(folder, secret)
    yield found
    found.node.close()


def propose(paris: Paris, **changes: object) -> dict[str, Any]:
    """The proposal for the draft with some choices changed."""
    answer = paris.post("/drafts/proposal", {**DRAFT, **changes})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read_lines(answer: httpx.Response) -> list[dict[str, Any]]:
    """The lines of an answer that tells its progress."""
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_outcomes_are_what_the_places_have(paris: Paris) -> None:
    """Both counters of the boulevard count bicycles since the file's first hour, 216 days before 5 April; the file has
    52 counters."""
    (found,) = paris.post("/drafts/outcomes", {"places": DIDEROT, "start": "2021-04-05"}).json()["items"]
    assert (found["feed"], found["quantity"], found["places"], found["others"]) == (*BICYCLES.values(), DIDEROT, 50)
    assert (found["first"], found["days_before"], found["offered"]) == ("2020-09-01", 216, True)
    assert found["why"]["en"] == "2 of the 2 places have it, since 2020-09-01."
    assert found["light"] in {"green", "amber"}


@pytest.mark.parametrize(
    ("places", "start", "said"),
    [
        (DIDEROT, "2020-09-05", "too short: 4 days, and 12 are needed"),
        (DIDEROT, "2022-01-01", "Its last value is of 2021-08-10"),
    ],
)
def test_an_outcome_that_is_not_offered_says_why(paris: Paris, places: list[str], start: str, said: str) -> None:
    """Too little history, or nothing after the change."""
    (found,) = paris.post("/drafts/outcomes", {"places": places, "start": start}).json()["items"]
    assert found["offered"] is False
    assert said in found["why"]["en"]


def test_how_often_was_looked_is_no_outcome(paris: Paris) -> None:
    """Autolib's snapshots tell of the publisher; pick-ups, of which three kinds of cars are told, are offered."""
    answer = paris.post("/drafts/outcomes", {"places": ["postal-code:75001"], "start": "2018-03-05"}).json()["items"]
    offered = {(one["quantity"], one["facet"]) for one in answer if one["offered"]}
    assert ("carshare_pickups", "bluecar") in offered
    assert "carshare_snapshots" in {one["quantity"] for one in answer} - {name for name, _ in offered}


def test_places_to_compare_with_are_proposed_with_reasons(paris: Paris) -> None:
    """None within 500 m, none that began after the window before, none that a change of its own touched; those that are
    left are ordered by distance, which is also told of the others."""
    answer = paris.post(
        "/drafts/comparison", {"places": DIDEROT, "outcome": BICYCLES, "start": "2021-04-05", "until": "2021-07-04"}
    ).json()
    items = {one["place"]: one for one in answer["items"]}
    assert len(items) == 50
    assert answer["before"] == "2020-09-02"
    proposed = [one for one in answer["items"] if one["proposed"]]
    assert answer["items"][: len(proposed)] == proposed
    assert len(proposed) >= 30
    assert all(one["distance"] >= 500 and one["first"] <= "2020-09-02" for one in proposed)
    assert [one["distance"] for one in proposed] == sorted(one["distance"] for one in proposed)
    refused = {one["why"]["code"] for one in answer["items"] if not one["proposed"]}
    assert refused <= {"near", "begins", "ends", "gaps", "red", "touched"}
    assert not {one["place"] for one in proposed} & set(DIDEROT)


def test_no_more_than_sixty_are_proposed(paris: Paris) -> None:
    """Of Autolib's 104 postal codes the 60 nearest, and the others say so."""
    outcome = {"feed": "autolib-events", "quantity": "carshare_pickups", "facet": "bluecar"}
    answer = paris.post(
        "/drafts/comparison",
        {"places": ["postal-code:75001"], "outcome": outcome, "start": "2018-03-05", "until": "2018-04-02"},
    ).json()
    codes = [one["why"]["code"] for one in answer["items"]]
    assert PROPOSED == 60
    assert sum(one["proposed"] for one in answer["items"]) == 60
    assert "many" in codes
    assert len(codes) == 103


def test_a_few_choices_make_a_whole_declaration(paris: Paris) -> None:
    """By weeks, since both sides have twelve; the window before ends on the day before the change; the file
    says what the JSON says, and each is read as `passerelle study declare` would."""
    found = propose(paris)
    study = found["declaration"]["study"]
    assert study["windows"] == {"before": ["2020-09-02", "2021-04-04"], "after": ["2021-04-05", "2021-07-04"]}
    assert (study["every"], study["scale"], study["method"], study["smallest_effect"]) == ("week", "log", "auto", 10.0)
    assert found["declaration"]["change"]["start"] == "2021-04-05T00:00:00+02:00"
    assert found["declaration"]["change"]["where"]["places"] == DIDEROT
    told = parse_declaration(tomllib.loads(found["toml"]))
    assert told == parse_declaration(found["declaration"])
    assert told.hash == found["hash"]
    keys = {"design", "before", "every", "scale", "method", "level", "least_seen", "reach_metres"}
    assert {one["key"] for one in found["reasons"]} == keys


@pytest.mark.parametrize(
    ("choice", "value", "at"),
    [
        ("every", "day", ("every",)),
        ("method", "did", ("method",)),
        ("level", 0.9, ("level",)),
        ("smallest_percent", 5.0, ("smallest_effect",)),
        ("reach_metres", 2000.0, ("spillover", "metres")),
        ("before", "2021-01-04", ("windows", "before")),
        ("publish_on", "2021-09-01", ("publish_on",)),
    ],
)
def test_whatever_follows_may_be_chosen(paris: Paris, choice: str, value: object, at: tuple[str, ...]) -> None:
    """What was chosen stands in the declaration as it was."""
    found = propose(paris, **{choice: value})["declaration"]["study"]
    for key in at:
        found = found[key]
    assert found == value or found == [value, "2021-04-04"]


def test_a_short_window_is_told_by_days(paris: Paris) -> None:
    """Four weeks after are fewer than twelve."""
    found = propose(paris, until="2021-05-02")
    assert found["declaration"]["study"]["every"] == "day"
    assert "fewer than 12 whole weeks" in next(one["text"]["en"] for one in found["reasons"] if one["key"] == "every")


def test_what_was_zero_is_told_in_its_own_unit(paris: Paris) -> None:
    """Utilib was taken on no more than some days at this postal code: no ratio of nothing can be formed, and a tenth of
    its mean before is the smallest effect. Where ratios are asked for, places with such days aren't proposed."""
    outcome = {"feed": "autolib-events", "quantity": "carshare_returns", "facet": "utilib"}
    choices = {"places": ["postal-code:92230"], "outcome": outcome, "start": "2018-03-19", "until": "2018-04-16"}
    found = propose(paris, **choices)
    study = found["declaration"]["study"]
    days = paris.returns("postal-code:92230", "2018-01-02", "2018-03-19")
    assert min(days) == 0
    assert study["scale"] == "level"
    assert study["unit_word"] == {"en": "a day", "fr": "par jour"}
    assert study["smallest_effect"] == float(f"{0.1 * sum(days) / len(days):.2g}")
    codes = {one["why"]["code"] for one in propose(paris, **choices, scale="log")["comparison"]}
    assert "zero" in codes
    assert "zero" not in {one["why"]["code"] for one in found["comparison"]}


def test_phasing_in_is_neither_before_nor_after(paris: Paris) -> None:
    """The window after begins on the day after it."""
    found = propose(paris, ramp="2021-04-11")["declaration"]
    assert found["change"]["ramp"] == "2021-04-11"
    assert found["study"]["windows"]["after"][0] == "2021-04-12"


def test_without_comparison_the_places_are_held_against_themselves(paris: Paris) -> None:
    """An empty choice is a choice, and its reason says what it costs."""
    found = propose(paris, comparison=[])
    assert found["declaration"]["study"]["comparison"]["none"] is True
    assert "Whatever else happened meanwhile then counts as the change" in found["reasons"][0]["text"]["en"]


@pytest.mark.parametrize(
    ("changes", "status", "where"),
    [
        ({"until": "2021-04-05"}, 400, "until"),
        ({"before": "2021-04-05"}, 400, "before"),
        ({"ramp": "2021-07-04"}, 400, "ramp"),
        ({"places": []}, 400, "places"),
        ({"wanted": "better"}, 400, "wanted"),
        ({"nothing": 1}, 400, "data"),
        ({"places": ["nowhere"]}, 422, "places"),
        ({"outcome": {"feed": "nobody", "quantity": "x"}}, 422, "feed"),
        ({"outcome": {**BICYCLES, "facet": "red"}}, 422, "outcome"),
        ({"comparison": ["nowhere"]}, 422, "comparison"),
        ({"comparison": DIDEROT}, 422, "comparison"),
        ({"smallest_percent": 150}, 422, "study.smallest_effect"),
        ({"start": "2020-08-01", "until": "2021-01-01"}, 422, "start"),
    ],
)
def test_a_draft_that_cannot_be_is_refused(paris: Paris, changes: dict[str, Any], status: int, where: str) -> None:
    """The problem names what was wrong."""
    answer = paris.post("/drafts/proposal", {**DRAFT, **changes})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["errors"][0]["where"] == where


def test_power_is_that_of_the_command_line(paris: Paris) -> None:
    """With the same studies and seed it is what the job of `passerelle study power` says, to the last digit."""
    declaration = propose(paris)["declaration"]
    lines = read_lines(paris.post("/drafts/power", {"declaration": declaration, "studies": 20}))
    job = paris.node.do("study-power", {"declaration": declaration, "studies": 20}, lambda _done, _all: None)
    assert lines[-1]["result"] == job["result"]
    assert all(set(line) == {"done", "total"} for line in lines[:-1])


def test_what_would_settle_it_is_left_out_where_nobody_asks(paris: Paris) -> None:
    """Four weeks and one counter can't show 1 %: the sentence is the same, and nothing is said of larger studies."""
    toml = propose(paris, places=DIDEROT[:1], until="2021-05-02", every="week", smallest_percent=1)["toml"]
    whole, quick = (
        read_lines(paris.post("/drafts/power", {"toml": toml, "studies": 20, "settle": settle}))[-1]["result"]
        for settle in (True, False)
    )
    assert whole["can_show"] is False
    assert whole["alternatives"] or whole["settles"]
    assert (quick["alternatives"], quick["settles"]) == ([], None)
    assert quick["sentence"] == whole["sentence"]


@pytest.mark.parametrize(
    "body", [{}, {"toml": "x", "declaration": {}}, {"toml": "x ="}, {"declaration": {"change": 1}}]
)
def test_what_is_no_declaration_has_no_power(paris: Paris, body: dict[str, Any]) -> None:
    """A 422, before any work."""
    assert paris.post("/drafts/power", body).status_code == 422


def test_what_is_drafted_is_declared_and_run(paris: Paris) -> None:
    """The study's hash is the draft's; its run tells its progress, and the finding stands with the change.

    The same words again change nothing, and the next draft of that name gets another id.
    """
    found = propose(paris)
    sealed = paris.declare({"toml": found["toml"]})
    assert sealed.status_code == 201, sealed.text
    assert sealed.json()["hash"] == found["hash"]
    assert sealed.json()["retrospective"] is True
    assert paris.declare({"declaration": found["declaration"]}).json() == sealed.json()
    name, change = sealed.json()["id"], sealed.json()["change"]
    lines = read_lines(paris.post(f"/studies/{name}/run", None, accept="application/x-ndjson"))
    assert lines[0].keys() == {"done", "total"}
    finding = lines[-1]["result"]
    assert finding == paris.post(f"/studies/{name}/run", None).json()
    shown = paris.node.ask("GET", f"/api/v1/changes/{change}").json()
    assert shown["finding"]["id"] == finding["id"]
    assert propose(paris)["declaration"]["change"]["id"] == f"{change}-2"


def test_a_file_declares_what_the_page_does(paris: Paris, tmp_path: Path) -> None:
    """The text that is offered for download is a file that the command line reads, with the same hash."""
    found = propose(paris)
    file = tmp_path / "study.toml"
    file.write_text(found["toml"], encoding="utf-8")
    assert read_declaration(file).hash == found["hash"]


def test_nobody_declares_without_leave(paris: Paris) -> None:
    """A draft may be made by anyone; to declare takes who has leave."""
    assert paris.post("/studies", {"toml": propose(paris)["toml"]}).status_code == 401
