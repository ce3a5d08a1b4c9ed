"""What every feed declares, and the signature of `request`, `scrub` and `parse`.

A *form* is a standard's or publisher's way of answering: one module of `passerelle.feeds` with a
`FORM`. A *feed* is a form pointed at one source of one city: an entry of `cities/<city>.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place
from passerelle.model.quantity import get_quantity


class Redistribute(StrEnum):
    """What may leave the node: the rows, only what a study derives from them, or nothing."""

    YES = "yes"
    DERIVED = "derived"
    NO = "no"


class Grade(StrEnum):
    """What a form was seen to read: a real recorded reply, or a standard's own example."""

    PROVEN = "proven"
    FIXTURE = "fixture"


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms a feed's data come under, with the attribution to show."""

    name: str
    url: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Feed:
    """One source in one city, complete when built.

    `parameters` are the form's own (a dataset's name, an area's code); `cadence_seconds` is the
    publisher's claim, None for an ended feed; `owner` is who answers for the feed at the publisher.
    """

    id: str
    form: str
    title: Mapping[str, str]
    publisher: str
    owner: str
    url: str
    documentation: str
    licence: Licence
    redistribute: Redistribute
    time_zone: ZoneInfo
    cadence_seconds: int | None
    quantities: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("id", "form", "publisher", "owner", "documentation"):
            if not getattr(self, name):
                raise InvalidValueError(f'feed {self.id!r}: {name} is empty; write "unknown" if it is', where=name)
        if set(self.title) < {"en", "fr"}:
            raise InvalidValueError(f"feed {self.id!r}: title needs en and fr, got {sorted(self.title)}", where="title")
        for quantity in self.quantities:
            get_quantity(quantity)


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask of a publisher over HTTP; secrets are named by environment variable, never held."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    secret_query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes a publisher answered with, already scrubbed, and when they were received."""

    body: bytes
    received: datetime
    content_type: str = "application/octet-stream"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply says: places, observations (`PARSED`) and the rows that can't be read (`REFUSED`)."""

    places: tuple[Place, ...]
    observations: pa.Table
    refused: pa.Table


@dataclass(frozen=True, slots=True)
class Form:
    """A standard's or publisher's form: how to ask, what to drop at the door, how to read.

    `parse` is pure and raises `ReplyError` only where nothing of the reply can be read; a row that
    can't be read goes to `refused`. `scrub` is set exactly where replies hold personal data, is
    pure and idempotent, and runs before any byte reaches the disk. `grade` says what the form's
    tests read: a real recorded reply, or the example of the standard. `check` raises
    `InvalidValueError` where a feed's parameters aren't the form's.
    """

    name: str
    title: str
    standard: str
    grade: Grade
    quantities: tuple[str, ...]
    request: Callable[[Feed], Request]
    parse: Callable[[Reply, Feed], Parsed]
    scrub: Callable[[bytes], bytes] | None = None
    check: Callable[[Feed], None] | None = None
