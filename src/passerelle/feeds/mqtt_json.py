"""Messages of an MQTT broker whose payloads are JSON, read as a mapping says.

A reply is what came within some seconds, a line a message: `topic`, `levels` (the topic's parts),
`received` and `payload`. A message the broker had retained says `retained` for `received`: when it
was sent isn't known, so that a mapping which takes `received` for the time refuses it. A payload
that isn't JSON makes a line that isn't either, and is refused with its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import msgspec

from passerelle.feeds._table import parse_mapped
from passerelle.feeds._toml import convert
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply, Request
from passerelle.feeds.mapping import TableMapping, read_mapping
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import list_quantities

_ADDRESS = re.compile(r"(mqtts?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?/(.+)", re.DOTALL)
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_Variable = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{0,80}$")]


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the broker is listened to: environment variables of user and password, seconds that make one reply."""

    user: _Variable | None = None
    password: _Variable | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a feed's messages come from: `topic` is a filter, `user` and `password` name environment variables."""

    host: str
    port: int
    tls: bool
    topic: str
    listen: Listen


def read_broker(feed: Feed) -> Broker:
    """The broker that the feed's address and its parameter `listen` name."""
    found = _ADDRESS.fullmatch(feed.url)
    if found is None or not _is_filter(found[4]):
        raise InvalidValueError(
            f"feed {feed.id!r}: url is {feed.url!r}; mqtt://host:port/topic or mqtts://host:port/topic is allowed, "
            "the topic with + for one level and # for all below",
            where="url",
        )
    scheme, host, port, topic = found.groups()
    listen = convert(feed.parameters.get("listen", {}), Listen, f"feed {feed.id!r}.parameters.listen")
    return Broker(host.strip("[]"), int(port or _PORTS[scheme]), scheme == "mqtts", topic, listen)


def write_line(topic: str, payload: bytes, received: str, *, retained: bool) -> bytes:
    """The line of a message; `received` is RFC 3339.

    >>> from datetime import UTC, datetime
    >>> write_line("bins/7", b'{"level": 4}', "2026-01-01T00:00:00Z", retained=False)
    b'{"topic":"bins/7","levels":["bins","7"],"received":"2026-01-01T00:00:00Z","payload":{"level": 4}}\\n'
    """
    head = {"topic": topic, "levels": topic.split("/"), "retained" if retained else "received": received}
    try:
        # Read whole: a payload that only begins as JSON could end the line's object and begin another.
        msgspec.json.decode(payload)
        body = msgspec.Raw(payload.translate(_ONE_LINE))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return (
            b"payload is no JSON: "
            + msgspec.json.encode(head | {"payload": payload.decode("utf-8", "replace")})
            + b"\n"
        )
    return msgspec.json.encode(head | {"payload": body}) + b"\n"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One value per message and field mapped."""
    return parse_mapped(reply, feed, _read_mapping(feed))


def check(feed: Feed) -> None:
    """Nothing; `InvalidValueError` where address or parameters aren't a broker's and a mapping."""
    read_broker(feed)
    _read_mapping(feed)


def refuse_request(feed: Feed) -> Request:
    """No request: brokers speak by themselves."""
    raise InvalidValueError(f"feed {feed.id!r} is listened to while the node runs, not asked", where="url")


# JSON has line ends only between its words.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def _read_mapping(feed: Feed) -> TableMapping:
    parameters = {key: part for key, part in feed.parameters.items() if key != "listen"}
    if "file" in parameters:
        raise InvalidValueError(f"feed {feed.id!r}.parameters.file: messages are JSON already", where="file")
    return read_mapping(feed, parameters | {"file": {"format": "json_lines", "sparse": True}})


def _is_filter(topic: str) -> bool:
    """Whether wildcards stand alone in their levels, and `#` in the last (MQTT 5.0, section 4.7)."""
    levels = topic.split("/")
    alone = all(level in ("+", "#") or not re.search(r"[+#\x00]", level) for level in levels)
    return alone and "#" not in levels[:-1] and len(topic.encode()) < 1 << 16


FORM = Form(
    name="mqtt_json",
    title="MQTT messages with JSON payloads and a mapping",
    standard="MQTT 5.0 (OASIS)",
    grade=Grade.FIXTURE,
    quantities=tuple(quantity.name for quantity in list_quantities()),
    request=refuse_request,
    parse=parse,
    check=check,
)
