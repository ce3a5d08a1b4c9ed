"""GTFS-Realtime: what a network says of itself at the message's time, and what it must not tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from google.transit.gtfs_realtime_pb2 import FeedMessage

from passerelle.feeds import FORMS, gtfs_rt
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import ReplyError

NOW = 1_700_000_000  # 2023-11-14T22:13:20Z
HEADER = f'header {{ gtfs_realtime_version: "2.0" timestamp: {NOW} }}'
DELAYS = ("transit_next_arrival_delay", "transit_next_departure_delay")


@pytest.fixture
def read(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`read(bytes or entities in protobuf's text form, feed's changes)`, through the door."""

    def read(body: bytes | str, **changes: Any) -> Parsed:
        form = FORMS["gtfs_rt"]
        declared = {
            "form": form.name,
            "quantities": form.quantities,
            "cadence_seconds": 60,
            "parameters": {"network": "x"},
        }
        feed = replace(feeds["sfpark-garages"], **{**declared, **changes})
        data = write(f"{HEADER} {body}") if isinstance(body, str) else body
        return form.parse(Reply(gtfs_rt.scrub(data), datetime(2024, 1, 1, tzinfo=UTC)), feed)

    return read


@pytest.fixture
def recorded(shared_data: Path) -> Callable[[str], bytes]:
    """`recorded(name)`: a network's recorded message."""
    return lambda name: (shared_data / "mobility/transit" / f"gtfs_rt_{name}.pb").read_bytes()


def write(text: str) -> bytes:
    body: bytes = text_format.Parse(text, FeedMessage()).SerializeToString()
    return body


def said(parsed: Parsed, *quantities: str) -> dict[tuple[str, ...], float]:
    """Values by place and facet, and by quantity where there are more than one."""
    rows = [row for row in parsed.observations.to_pylist() if row["quantity"] in quantities]
    return {(row["place"], row["facet"], *([row["quantity"]] * (len(quantities) > 1))): row["value"] for row in rows}


def test_recorded_delays_are_those_of_the_next_train(
    read: Callable[..., Parsed], recorded: Callable[[str], bytes]
) -> None:
    """At Daly City one 509 s late left 28 s before; the next comes 30 s after the message, 340 s late. 47 stops."""
    parsed = read(recorded("bart-trip-updates"))
    arrivals = said(parsed, "transit_next_arrival_delay")
    assert (arrivals["stop:x:DALY", ""], arrivals["stop:x:MONT", ""], len(arrivals)) == (340, 2207, 47)
    assert parsed.refused.num_rows == 0
    first = parsed.observations.to_pylist()[0]
    assert first["start"] == datetime(2019, 8, 7, 17, 45, 21, tzinfo=UTC)
    assert first["end"] - first["start"] == timedelta(seconds=60)
    # `grep -c` for the two words in the message's text form.
    trips = {("network:x", "scheduled"): 83, ("network:x", "added"): 8, ("network:x", "canceled"): 0}
    assert said(parsed, "transit_trips_updated") == trips


def test_times_without_delays_are_refused(read: Callable[..., Parsed], recorded: Callable[[str], bytes]) -> None:
    """Caltrain predicts times only: its 19 trips are counted and each says that the delays aren't there."""
    parsed = read(recorded("ct-trip-updates"))
    assert said(parsed, *DELAYS) == {}
    assert said(parsed, "transit_trips_updated")["network:x", "scheduled"] == 19
    assert parsed.refused["row"].to_pylist() == list(range(1, 20))
    assert parsed.refused["reason"][0].as_py().startswith("6 of 6 arrivals and departures lack")


def test_recorded_vehicles_are_counted_by_route(read: Callable[..., Parsed], recorded: Callable[[str], bytes]) -> None:
    """Of Caltrain's 14 vehicles 4 ran L1, L3 and L4 each and 2 B7, by `strings | sort | uniq -c`."""
    routes = {"": 14, "L1": 4, "L3": 4, "L4": 4, "B7": 2}
    parsed = read(recorded("ct-vehicle-positions"), quantities=("transit_vehicles_in_service",))
    assert said(parsed, "transit_vehicles_in_service") == {("network:x", route): n for route, n in routes.items()}
    assert parsed.observations.num_rows == 5


def test_a_recorded_alert_is_in_force(read: Callable[..., Parsed], recorded: Callable[[str], bytes]) -> None:
    """BART's one alert names its agency only, and counts for the network."""
    assert said(read(recorded("bart-alerts")), "transit_alerts_active") == {("network:x", ""): 1}


def test_the_scrub_leaves_no_vehicle(recorded: Callable[[str], bytes]) -> None:
    """Ids of vehicles, carriages, entities and fields of a publisher's own go; the rest stays, and once is enough."""
    body = write(
        f"""{HEADER} entity {{ id: "bus-4711" vehicle {{ trip {{ route_id: "9" }}
        vehicle {{ id: "4711" label: "Roe" license_plate: "AB-123-CD" }} position {{ latitude: 1 longitude: 2 }}
        multi_carriage_details {{ id: "c-1" label: "c-2" occupancy_percentage: 5 }} }} }}
        entity {{ id: "t" trip_update {{ trip {{ trip_id: "t9" }} vehicle {{ id: "4711" }} }} }}"""
    )
    # Field 1,000, of two bytes, is a publisher's own.
    scrubbed = gtfs_rt.scrub(body + b"\xc2\x3e\x02Jo")
    assert gtfs_rt.scrub(scrubbed) == scrubbed
    assert not any(word in scrubbed for word in (b"4711", b"Roe", b"AB-123", b"c-1", b"c-2", b"Jo"))
    message = FeedMessage.FromString(scrubbed)
    assert [entity.id for entity in message.entity] == ["1", "2"]
    assert message.entity[0].vehicle.multi_carriage_details[0].occupancy_percentage == 5
    assert (message.entity[0].vehicle.trip.route_id, message.entity[1].trip_update.trip.trip_id) == ("9", "t9")
    for name in ("ct-trip-updates", "ct-vehicle-positions", "bart-trip-updates"):
        cleaned = FeedMessage.FromString(gtfs_rt.scrub(recorded(name)))
        assert len(cleaned.entity) == len(FeedMessage.FromString(recorded(name)).entity)
        assert not any(one.trip_update.HasField("vehicle") or one.vehicle.HasField("vehicle") for one in cleaned.entity)


CALL = 'stop_time_update {{ stop_id: "a" arrival {{ time: {} {} }} }}'


@pytest.mark.parametrize(
    ("calls", "delay"),
    [
        (CALL.format(NOW + 9, "delay: -60") + CALL.format(NOW + 5, "delay: 30"), 30),
        (CALL.format(NOW, "delay: 5") + CALL.format(NOW - 1, "delay: 6"), 5),
        # The next has no delay; that of the one after it isn't the next's.
        (CALL.format(NOW + 5, "") + CALL.format(NOW + 9, "delay: 30"), None),
        (CALL.format(NOW - 5, "delay: 30"), None),
        (CALL.format(NOW + 5, "delay: 30").replace("arrival", "schedule_relationship: SKIPPED arrival"), None),
    ],
)
def test_the_next_is_the_first_that_is_not_past(calls: str, delay: float | None, read: Callable[..., Parsed]) -> None:
    """Whatever its place in the message, and only where the publisher says how late it is."""
    parsed = read(f'entity {{ id: "1" trip_update {{ trip {{ route_id: "r" }} {calls} }} }}')
    expected = {} if delay is None else {("stop:x:a", "r", "transit_next_arrival_delay"): delay}
    assert said(parsed, *DELAYS) == expected


@pytest.mark.parametrize(
    ("entity", "says"),
    [
        ('trip_update { trip {} stop_time_update { stop_id: "a" arrival { delay: 5 } } }', "1 of 1 .* lack"),
        (f"trip_update {{ trip {{}} stop_time_update {{ arrival {{ delay: 5 time: {NOW} }} }} }}", "1 of 1 .* lack"),
        ('vehicle { trip { route_id: "\\n" } }', "id of the route"),
        ('alert { informed_entity { stop_id: "\\001" } }', "an id that the alert informs about"),
        ("is_deleted: true", "deleted"),
        ("", "neither a trip"),
    ],
)
def test_an_entity_that_says_nothing_is_refused(entity: str, says: str, read: Callable[..., Parsed]) -> None:
    """With its number and why, and the entity after it is read."""
    parsed = read(f'entity {{ id: "1" {entity} }} entity {{ id: "2" vehicle {{ trip {{ route_id: "r" }} }} }}')
    (refused,) = parsed.refused.to_pylist()
    assert refused["row"] == 1
    assert said(parsed, "transit_vehicles_in_service") == {("network:x", ""): 1, ("network:x", "r"): 1}
    assert re.search(says, refused["reason"])


def test_alerts_count_where_they_inform(read: Callable[..., Parsed]) -> None:
    """Once for each route and stop while a period lasts, whose end isn't part of it; one without a period always."""
    alerts = [
        'informed_entity { route_id: "r" } informed_entity { route_id: "r" } informed_entity { stop_id: "a" }',
        f'active_period {{ start: {NOW} end: {NOW + 1} }} informed_entity {{ route_id: "r" stop_id: "a" }}',
        f'active_period {{ end: {NOW} }} informed_entity {{ route_id: "r" }}',
        f'active_period {{ start: {NOW + 1} }} informed_entity {{ route_id: "r" }}',
    ]
    parsed = read(" ".join(f'entity {{ id: "{at}" alert {{ {alert} }} }}' for at, alert in enumerate(alerts)))
    assert said(parsed, "transit_alerts_active") == {
        ("network:x", ""): 2,
        ("network:x", "r"): 1,
        ("stop:x:a", ""): 1,
        ("stop:x:a", "r"): 1,
    }


def test_canceled_trips_are_counted_and_late_nowhere(read: Callable[..., Parsed]) -> None:
    """A canceled trip gives no delay; only the network's own zeros stand beside it, each that the feed declares."""
    call = CALL.format(NOW + 5, "delay: 30")
    body = f'entity {{ id: "1" trip_update {{ trip {{ schedule_relationship: CANCELED }} {call} }} }}'
    assert said(read(body), *DELAYS) == {}
    quantities = ("transit_trips_updated",)
    assert said(read(body, quantities=quantities), *quantities) == {("network:x", "canceled"): 1}
    assert said(read("", quantities=quantities), *quantities) == {("network:x", "canceled"): 0}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'\xef\xbb\xbf{"Header":{}}', "no GTFS-Realtime"),
        (b"<html><body>503</body></html>", "no GTFS-Realtime"),
        (write(HEADER)[:-2], "no GTFS-Realtime"),
        (write(HEADER) + b"\x1a\x01x", r"fields that the standard has not: \[3\]"),
        (write(HEADER.replace("timestamp", "incrementality: DIFFERENTIAL timestamp")), "isn't the full data set"),
        (write('header { gtfs_realtime_version: "2.0" }'), "the message's time is 0"),
        (write(HEADER.replace(str(NOW), f"{NOW}000")), "the message's time is 1700000000000"),
    ],
)
def test_what_is_no_whole_message_is_refused(body: bytes, says: str, read: Callable[..., Parsed]) -> None:
    """JSON with a byte order mark, a page, a message cut short, with strange fields, partial, or without a time."""
    with pytest.raises(ReplyError, match=says):
        read(body)


def test_an_entity_that_swallows_the_next_is_refused(read: Callable[..., Parsed]) -> None:
    """A length that was harmed makes the second entity a part of the first, unknown there."""
    first, second = (b'\x0a\x01%d"\x00' % at for at in (1, 2))
    head = write(HEADER)
    whole = head + b"\x12\x05" + first + b"\x12\x05" + second
    assert len(FeedMessage.FromString(whole).entity) == 2
    with pytest.raises(ReplyError, match=r"fields that the standard has not: \[2\]"):
        read(head + b"\x12\x0c" + first + b"\x12\x05" + second)


def test_how_long_it_holds_must_be_said(read: Callable[..., Parsed]) -> None:
    """A message says when it was so and not until when: the feed needs a cadence."""
    with pytest.raises(ReplyError, match="a cadence is needed"):
        read("", cadence_seconds=None)
