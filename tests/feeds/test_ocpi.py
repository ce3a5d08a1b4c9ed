"""OCPI locations: points counted by state, the mix of electricity, and what may not be kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from passerelle.feeds import FORMS, ocpi
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

RECEIVED = datetime(2024, 1, 1, tzinfo=UTC)
UPDATED = datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)


@pytest.fixture
def location(shared_data: Path) -> dict[str, Any]:
    """The standard's example of a location, of two points: one available, one reserved."""
    read: dict[str, Any] = json.loads((shared_data / "replies/ocpi/location_example.json").read_bytes())
    return read


@pytest.fixture
def mix(shared_data: Path) -> dict[str, Any]:
    """The standard's example of an energy mix."""
    read: dict[str, Any] = json.loads(
        (shared_data / "replies/ocpi/location_energymix_example_complete.json").read_bytes()
    )
    return read


@pytest.fixture
def read(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`read(document, parameters=...)`, through the door."""

    def read(document: object, **changes: Any) -> Parsed:
        form = FORMS["ocpi"]
        declared = {"form": form.name, "quantities": form.quantities, "parameters": {"holds_seconds": 600}}
        feed = replace(feeds["sfpark-garages"], **{**declared, **changes})
        return form.parse(Reply(ocpi.scrub(json.dumps(document).encode()), RECEIVED), feed)

    return read


def said(parsed: Parsed) -> dict[tuple[str, str], float]:
    """The values that aren't zero, by quantity and facet."""
    return {(row["quantity"], row["facet"]): row["value"] for row in parsed.observations.to_pylist() if row["value"]}


def test_points_are_counted_by_state(read: Callable[..., Parsed], location: dict[str, Any]) -> None:
    """Two points with three connectors between them: one is available, one reserved, and none in seven other states."""
    parsed = read(location)
    assert said(parsed) == {("charging_points", "available"): 1, ("charging_points", "reserved"): 1}
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (9, 0)
    spans = {(row["start"], row["end"]) for row in parsed.observations.to_pylist()}
    assert spans == {(UPDATED, UPDATED + timedelta(seconds=600))}
    (place,) = parsed.places
    assert (place.id, place.name, place.centre) == ("ocpi:BE*BEC*LOC1", "Gent Zuid", (3.729944, 51.047599))


def test_a_mix_is_told_by_source(read: Callable[..., Parsed], location: dict[str, Any], mix: dict[str, Any]) -> None:
    """The example's five shares make 100 %, its carbon is 372 g of CO2 per kWh."""
    told = said(read(location | mix))
    shares = {facet: value for (quantity, facet), value in told.items() if quantity == "supply_energy_share"}
    assert sum(shares.values()) == pytest.approx(100)
    assert shares["nuclear"] == 21.7
    assert told["supply_carbon_intensity", ""] == 372


def test_a_list_and_an_envelope_say_the_same(read: Callable[..., Parsed], location: dict[str, Any]) -> None:
    """A location alone, in a list, and in the standard's envelope."""
    alone = read(location).observations
    assert read([location]).observations.equals(alone)
    assert read({"data": [location], "status_code": 1000}).observations.equals(alone)
    assert read([]).observations.num_rows == 0


def test_a_count_begins_with_its_last_update(read: Callable[..., Parsed], location: dict[str, Any]) -> None:
    """A point updated after its location, whose time has no Z, moves the beginning."""
    location["evses"][0]["last_updated"] = "2015-06-29T21:00:00"
    assert read(location).observations["start"][0].as_py() == datetime(2015, 6, 29, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"evses": [{"status": "FREE", "last_updated": "2015-06-29T20:39:09Z"}]}, r"states \['FREE'\]"),
        ({"evses": [{"status": "AVAILABLE"}]}, "last_updated"),
        ({"coordinates": {"latitude": 51.0, "longitude": "3.7"}}, "Expected `str`"),
        ({"coordinates": {"latitude": "95.0", "longitude": "3.7"}}, "latitude within"),
        ({"coordinates": {"latitude": "N51", "longitude": "3.7"}}, "are not a longitude and a latitude"),
        ({"id": "a\n"}, "printable"),
        ({"last_updated": "2015"}, "RFC 3339"),
        ({"last_updated": "9999-12-31T23:59:59Z"}, "no plausible year"),
    ],
)
def test_a_location_of_which_a_part_is_unread_is_refused(
    change: dict[str, Any], says: str, read: Callable[..., Parsed], location: dict[str, Any]
) -> None:
    """Whole, with its number, and the next is read."""
    parsed = read([location | change, location])
    (refused,) = parsed.refused.to_pylist()
    assert (refused["row"], parsed.observations.num_rows) == (1, 9)
    assert re.search(says, refused["reason"])


def test_the_scrub_keeps_what_may_be_published(location: dict[str, Any]) -> None:
    """Tokens of persons go, and all but the refusal of a location that may not be shown; once is enough."""
    tokens = {"publish_allowed_to": [{"uid": "012345678", "visual_number": "DF000"}]}
    scrubbed = ocpi.scrub(
        json.dumps([location | tokens, location | tokens | {"publish": False}, {"publish": "no"}]).encode()
    )
    assert json.loads(scrubbed) == [location, {"publish": False}, {"publish": False}]
    assert ocpi.scrub(scrubbed) == scrubbed


def test_what_may_not_be_published_is_refused(read: Callable[..., Parsed], location: dict[str, Any]) -> None:
    """A location that its operator keeps to itself is counted among the refused, without a word of it."""
    assert read([location, location | {"publish": False}]).refused.to_pylist() == [
        {"row": 2, "reason": "may not be published", "raw": '{"publish":false}'}
    ]


def test_a_session_is_not_kept(shared_data: Path) -> None:
    """A charging session, in the same envelope, names who charged: refused at the door and not quoted."""
    with pytest.raises(ReplyError, match="none of it was kept") as caught:
        ocpi.scrub((shared_data / "replies/ocpi/cdr_example.json").read_bytes())
    assert "DE8ACC12E46L89" not in str(caught.value)


def test_how_long_it_holds_must_be_said(read: Callable[..., Parsed], location: dict[str, Any]) -> None:
    """A state has no end of its own."""
    with pytest.raises(InvalidValueError, match="holds_seconds"):
        read(location, parameters={})
