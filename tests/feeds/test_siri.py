"""SIRI Vehicle Monitoring: vehicles counted by line, and none that could be followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from passerelle.feeds import FORMS, siri
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import ReplyError

MOMENT = datetime(2026, 6, 4, 6, tzinfo=UTC)


@pytest.fixture
def published(shared_data: Path) -> str:
    """A published example of two vehicles, of lines T12 and PR1."""
    return (shared_data / "replies/siri/siri.xml").read_text(encoding="utf-8")


@pytest.fixture
def read(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`read(text, feed's changes)`, through the door."""

    def read(text: str, **changes: Any) -> Parsed:
        form = FORMS["siri"]
        declared = {"form": form.name, "quantities": form.quantities, "cadence_seconds": 60}
        feed = replace(feeds["sfpark-garages"], **{**declared, "parameters": {"network": "x"}, **changes})
        return form.parse(Reply(siri.scrub(text.encode()), datetime(2026, 6, 5, tzinfo=UTC)), feed)

    return read


def said(parsed: Parsed) -> dict[str, float]:
    return {row["facet"]: row["value"] for row in parsed.observations.to_pylist()}


def test_a_published_reply_is_counted(read: Callable[..., Parsed], published: str) -> None:
    """Two vehicles, one of each line, for a minute from the delivery's time."""
    parsed = read(published)
    assert said(parsed) == {"": 2, "T12": 1, "PR1": 1}
    assert {(row["start"], row["end"]) for row in parsed.observations.to_pylist()} == {
        (MOMENT, MOMENT + timedelta(minutes=1))
    }
    assert ([place.id for place in parsed.places], parsed.refused.num_rows) == (["network:x"], 0)


def test_the_scrub_leaves_no_vehicle(published: str) -> None:
    """Ids of vehicles, blocks and reports, drivers and extensions go; lines and times stay, and once is enough."""
    told = "<DriverName>Roe</DriverName><Extensions><Badge>77</Badge></Extensions><VehicleRef>3312"
    scrubbed = siri.scrub(published.replace("<VehicleRef>3312", told).encode())
    assert siri.scrub(scrubbed) == scrubbed
    gone = (b"3312", b"AB12", b"9e8f75df", b"11111111-2222", b"BlockRef", b"Roe", b"Badge")
    assert [word for word in gone if word in scrubbed] == []
    assert [scrubbed.count(word) for word in (b"<LineRef>T12", b"<RecordedAtTime>", b"<LineRef>PR1")] == [1, 2, 1]


def test_a_report_that_is_past_is_not_counted(read: Callable[..., Parsed], published: str) -> None:
    """Valid until the delivery's time and no longer: told with its number, the other counted."""
    parsed = read(published.replace("2026-06-04T06:02:20.000", "2026-06-04T06:00:00.000"))
    assert said(parsed) == {"": 1, "T12": 1}
    assert [(row["row"], row["reason"][:12]) for row in parsed.refused.to_pylist()] == [(2, "valid until ")]


def test_a_vehicle_of_no_line_counts_in_all(read: Callable[..., Parsed], published: str) -> None:
    """And a delivery without any vehicle says zero."""
    assert said(read(published.replace("<LineRef>T12</LineRef>", ""))) == {"": 2, "PR1": 1}
    head, _, tail = published.partition("<VehicleActivity>")
    assert said(read(head + tail.rpartition("</VehicleActivity>")[2])) == {"": 0}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("http://www.siri.org.uk/siri", "urn:other", "a Siri with VehicleMonitoringDelivery is needed"),
        ("VehicleMonitoringDelivery", "StopMonitoringDelivery", "a Siri with VehicleMonitoringDelivery is needed"),
        ("<ServiceDelivery>", "<ServiceDelivery><Status>false</Status>", "failed or has more"),
        ("<VehicleActivity>", "<MoreData>true</MoreData><VehicleActivity>", "failed or has more"),
        ("2026-06-04T06:00:00+00:00", "06:00", "time can't be read"),
        ("2026-06-04T06:00:00+00:00", "9999-12-31T06:00:00Z", "the delivery's time is 9999"),
        ("<?xml", "<!DOCTYPE a><?xml", "no whole XML|document type"),
    ],
)
def test_what_is_no_whole_delivery_is_refused(
    old: str, new: str, says: str, read: Callable[..., Parsed], published: str
) -> None:
    """Another standard or service, a failure, a part of the vehicles, no time: counts would be too low or undated."""
    assert old in published
    with pytest.raises(ReplyError, match=says):
        read(published.replace(old, new))


def test_how_long_it_holds_must_be_said(read: Callable[..., Parsed], published: str) -> None:
    """A delivery has no end of its own."""
    with pytest.raises(ReplyError, match="a cadence is needed"):
        read(published, cadence_seconds=None)
