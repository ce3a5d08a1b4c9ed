"""MQTT messages: their lines, and what a mapping reads of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.feeds.mappings import BINS

from passerelle.feeds import FORMS
from passerelle.feeds.city import find_city_file, parse_city
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.mqtt_json import read_broker, write_line
from passerelle.model.errors import InvalidValueError

RECEIVED = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def bins(feeds: dict[str, Feed]) -> Feed:
    """A feed of bins that tell how many slots they have."""
    return replace(
        feeds["eia930-pge"],
        form="mqtt_json",
        url="mqtt://broker.test/bins/+/level",
        quantities=("carshare_slots_free",),
        parameters=BINS,
    )


def read(feed: Feed, *messages: tuple[str, bytes, bool]) -> Parsed:
    """The reply that messages (topic, payload, retained) make."""
    lines = [write_line(topic, payload, RECEIVED, retained=retained) for topic, payload, retained in messages]
    return FORMS["mqtt_json"].parse(Reply(b"".join(lines), datetime(2026, 3, 1, 12, tzinfo=UTC)), feed)


def test_a_payload_is_kept_as_it_came() -> None:
    """Only its line ends become blanks, which JSON doesn't mind."""
    line = write_line("a/b", b'{"level":\r\n 4.50, "name": "Quai"}', RECEIVED, retained=False)
    assert line.count(b"\n") == 1
    assert b'"payload":{"level":   4.50, "name": "Quai"}' in line
    assert json.loads(line)["levels"] == ["a", "b"]


@pytest.mark.parametrize("payload", [b"", b"4,5", b"{", b'1}, "topic": "c"', b"\xff", b"[" * 100_000, b"NaN"])
def test_what_is_no_json_makes_a_line_that_is_none(payload: bytes, bins: Feed) -> None:
    """Refused with its text; the messages around it are read."""
    good = ("bins/7/level", b'{"t": 1772366400, "level": 4}', False)
    parsed = read(bins, good, ("bins/8/level", payload, False))
    assert [row["place"] for row in parsed.observations.to_pylist()] == ["bin:7"]
    (refused,) = parsed.refused.to_pylist()
    assert (refused["row"], refused["reason"]) == (2, "not JSON")
    assert '"topic":"bins/8/level"' in refused["raw"]


def test_a_message_without_the_field_is_refused(bins: Feed) -> None:
    """Alone in its reply too: what another sensor of the topic says is no reason to give up the reply."""
    parsed = read(bins, ("bins/7/level", b'{"t": 1772366400, "battery": 4}', False))
    assert parsed.observations.num_rows == 0
    assert parsed.refused["reason"].to_pylist() == ["has none of ['payload.level']"]


def test_a_retained_message_has_no_time_of_arrival(bins: Feed) -> None:
    """Where the time is that of arrival, what the broker had kept is refused, and a live message is read."""
    time = {"columns": ["received"], "format": "rfc3339", "marks": "instant", "length": "PT10M"}
    feed = replace(bins, parameters={**BINS, "time": time})
    message = ("bins/7/level", b'{"level": 4}')
    parsed = read(feed, (*message, True), (*message, False))
    assert [row["start"] for row in parsed.observations.to_pylist()] == [datetime(2026, 3, 1, 12, tzinfo=UTC)]
    assert parsed.refused["reason"].to_pylist() == ["'' is not a time as rfc3339"]


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "topic"),
    [
        ("mqtt://broker.test/bins/+/level", "broker.test", 1883, False, "bins/+/level"),
        ("mqtts://broker.test/#", "broker.test", 8883, True, "#"),
        ("mqtt://[::1]:1900//a b/#", "::1", 1900, False, "/a b/#"),
    ],
)
def test_an_address_names_broker_and_topics(url: str, host: str, port: int, tls: bool, topic: str, bins: Feed) -> None:
    """The topic begins after the first slash and may have wildcards."""
    broker = read_broker(replace(bins, url=url))
    assert (broker.host, broker.port, broker.tls, broker.topic) == (host, port, tls, topic)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "https://broker.test/a"}, "mqtt://host:port/topic or mqtts"),
        ({"url": "mqtt://broker.test/"}, "mqtt://host:port/topic or mqtts"),
        ({"url": "mqtt://user:secret@broker.test/a"}, "mqtt://host:port/topic or mqtts"),
        ({"url": "mqtt://broker.test/a/#/b"}, "for one level and # for all below"),
        ({"url": "mqtt://broker.test/a+"}, "for one level and # for all below"),
        ({"parameters": BINS | {"listen": {"password": "river-7"}}}, "parameters.listen: password: Expected `str`"),
        ({"parameters": BINS | {"file": {"format": "csv"}}}, "messages are JSON already"),
        ({"parameters": BINS | {"value": []}}, "value: Expected `array` of length >= 1"),
    ],
)
def test_a_wrong_declaration_is_told(changes: dict[str, Any], says: str, bins: Feed) -> None:
    """When the city file is read; a password stands in the environment only, so its name is asked for."""
    check = FORMS["mqtt_json"].check
    assert check is not None
    with pytest.raises(InvalidValueError, match=says.replace("+", r"\+").replace("(", r"\(")):
        check(replace(bins, **changes))


def test_a_broker_is_not_asked(bins: Feed) -> None:
    """There is no request."""
    with pytest.raises(InvalidValueError, match="listened to while the node runs"):
        FORMS["mqtt_json"].request(bins)


def test_the_page_shows_a_broker_that_can_be_declared(checkout: Path) -> None:
    """The entry of docs/feeds.md is read with a city."""
    page = (checkout / "docs" / "feeds.md").read_text(encoding="utf-8")
    (entry,) = re.findall(r"```toml\n([^`]*mqtts://[^`]*)```", page)
    paris = find_city_file("paris").read_text(encoding="utf-8")
    assert parse_city(paris + entry, "paris.toml").feeds[-1].form == "mqtt_json"
