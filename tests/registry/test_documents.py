"""Changes, studies and findings: documents that come back as they were put."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from passerelle.model.errors import InvalidValueError, StudyError, UnknownNameError
from passerelle.model.place import Place
from passerelle.registry.changes import (
    UNSTUDIED,
    count_changes,
    get_change,
    list_changes,
    put_change,
    read_drawn,
)
from passerelle.registry.findings import (
    count_findings,
    get_bundle,
    get_finding,
    latest_finding_of,
    list_findings,
    put_finding,
)
from passerelle.registry.places import put_places
from passerelle.registry.studies import get_study, list_studies, put_study


def change(name: str, start: str, sector: str = "mobility", title: str = "Piste") -> dict[str, Any]:
    return {"id": name, "start": start, "sector": sector, "title": {"en": "Lane", "fr": title}, "where": {"places": []}}


def finding(name: str, verdict: str = "fell", about: str = "curfew") -> dict[str, Any]:
    return {"id": name, "change": about, "study": "s", "verdict": verdict, "effect": {"value": -11.5}}


def test_changes_come_newest_first(connection: Connection) -> None:
    """By start, then by id where several began together, however they are paged."""
    for one in (change("b", "2021-01-16"), change("a", "2021-01-16"), change("c", "2022-05-01"), change("d", "2019")):
        put_change(connection, one)
    found: list[str] = []
    while page := list_changes(connection, limit=1, after=found[-1] if found else None):
        found += [one["id"] for one in page]
    assert found == ["c", "a", "b", "d"]
    assert count_changes(connection) == 4


def test_changes_are_found_by_words_and_sector(connection: Connection) -> None:
    """Words of the titles count whatever their case and accents."""
    put_change(connection, change("a", "2021", title="Piste cyclable"))
    put_change(connection, change("b", "2022", sector="air", title="Zone à faibles émissions"))
    assert [one["id"] for one in list_changes(connection, q="ZONE emissions")] == ["b"]
    assert [one["id"] for one in list_changes(connection, sector="mobility")] == ["a"]


def test_changes_are_found_by_what_came_of_them(connection: Connection) -> None:
    """The newest finding counts, not an earlier one; what nobody studied is found as such."""
    for name in ("curfew", "lane", "zone"):
        put_change(connection, change(name, "2021"))
    put_finding(connection, finding("f0", "fell"), b"")
    put_finding(connection, finding("f1", "cannot_tell_yet"), b"")
    put_finding(connection, finding("g", "fell", about="lane"), b"")
    assert [one["id"] for one in list_changes(connection, verdict="fell")] == ["lane"]
    assert [one["id"] for one in list_changes(connection, verdict="cannot_tell_yet")] == ["curfew"]
    assert [one["id"] for one in list_changes(connection, verdict=UNSTUDIED)] == ["zone"]


def test_changes_are_found_by_when_they_were_in_force(connection: Connection) -> None:
    """Times are half-open: what ended as the span began is not of it, nor what began as it ended."""
    for name, start, end in (("past", "2020", "2021"), ("whole", "2020", None), ("later", "2022", None)):
        put_change(connection, {**change(name, start), "end": end})
    assert [one["id"] for one in list_changes(connection, start="2021", end="2022")] == ["whole"]
    assert {one["id"] for one in list_changes(connection, end="2022")} == {"past", "whole"}


def test_changes_are_found_by_where_they_were_made(connection: Connection) -> None:
    """At a place in the area, in all of the city, or drawn there; not at a place in another area."""
    somewhere = {"type": "Point", "coordinates": [2.4, 48.9]}
    east = Place("east", "counter", "East", somewhere, {"district": "11"})
    west = Place("west", "counter", "West", somewhere, {"district": "15"})
    put_places(connection, [east, west])
    for name, geometry, places in (("at", None, ["east"]), ("away", None, ["west"]), ("all", None, [])):
        put_change(connection, {**change(name, "2021"), "where": {"geometry": geometry, "places": places}})
    put_change(connection, {**change("drawn", "2021"), "where": {"geometry": somewhere, "places": []}})
    assert read_drawn(connection) == {"drawn": somewhere}
    assert {one["id"] for one in list_changes(connection, area="district:11")} == {"at", "all"}
    assert {one["id"] for one in list_changes(connection, area="15", drawn=["drawn"])} == {"away", "all", "drawn"}


def test_a_change_is_never_rewritten(connection: Connection) -> None:
    """The same change may be put again; another under its id raises, names what differs and changes nothing."""
    first = change("a", "2021", title="Piste cyclable")
    put_change(connection, first)
    put_change(connection, first)
    with pytest.raises(StudyError, match="another sector, start;"):
        put_change(connection, change("a", "2022", sector="air", title="Piste cyclable"))
    assert list_changes(connection) == [first]


def test_a_study_is_never_edited(connection: Connection) -> None:
    """The same declaration may be put again; another under its id raises and changes nothing."""
    study = {"id": "s", "change": "curfew", "smallest_effect": 5}
    put_study(connection, study)
    put_study(connection, study)
    with pytest.raises(InvalidValueError, match="another id"):
        put_study(connection, {**study, "smallest_effect": 1})
    assert get_study(connection, "s") == study
    put_study(connection, {"id": "t", "change": "other"})
    assert [one["id"] for one in list_studies(connection, change="curfew")] == ["s"]
    assert [one["id"] for one in list_studies(connection, after="s")] == ["t"]


def test_findings_come_newest_first_with_their_bundle(connection: Connection) -> None:
    """The newest finding on a change is the last one put; bundles come back to the byte."""
    for number, verdict in enumerate(("fell", "cannot_tell_yet", "fell")):
        put_finding(connection, finding(f"f{number}", verdict), bytes([number, 0, 255]))
    put_finding(connection, finding("g", about="lane"), b"zip")
    assert [one["id"] for one in list_findings(connection)] == ["g", "f2", "f1", "f0"]
    assert [one["id"] for one in list_findings(connection, change="curfew", verdict="fell", after="f2")] == ["f0"]
    latest = latest_finding_of(connection, "curfew")
    assert latest == finding("f2")
    assert latest_finding_of(connection, "none") is None
    assert get_bundle(connection, "f2") == bytes([2, 0, 255])
    assert count_findings(connection) == 4


def test_a_finding_is_put_once(connection: Connection) -> None:
    """A second finding of the same id is refused by the database itself."""
    put_finding(connection, finding("f"), b"")
    with pytest.raises(IntegrityError):
        put_finding(connection, finding("f"), b"")


@pytest.mark.parametrize("get", [get_change, get_study, get_finding, get_bundle])
def test_what_is_not_there_raises(connection: Connection, get: Any) -> None:
    """The error names the id that was asked for."""
    with pytest.raises(UnknownNameError, match="nothing"):
        get(connection, "nothing")
