"""What a check is given, and what it answers: the intervals of a series that can't be trusted, and why.

A check is pure: arrays in, marks out. It knows no city and no feed by name; what it calls unusual it has learnt
from the series' own past wherever that is possible. It may look at one series (`judge`), at a feed with all its
series, places and replies (`judge_feed`), or at two series that are about to be compared (`compare`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place
from passerelle.model.quantity import Quantity
from passerelle.model.series import Series

Times = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC."""

Floats = npt.NDArray[np.float64]
Text = Mapping[str, str]
"""The same words in `en` and `fr`."""


class Light(StrEnum):
    """How far a series can be trusted in an interval; what no mark covers is green.

    Red: the value is not what it claims to be (absent, frozen, broken, absurd). Amber: usable with care.
    """

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Mark:
    """An interval `[start, end)` that isn't green, with a reason in `en` and `fr` anyone understands.

    `evidence` is what a person can open to see it: numbers, times (RFC 3339), the rows before and after, as JSON has
    them.
    """

    start: datetime
    end: datetime
    light: Light
    reason: Text
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise InvalidValueError(f"a mark from {self.start} to {self.end} marks nothing", where="end")
        if self.light is Light.GREEN:
            raise InvalidValueError("a mark is amber or red; green needs none", where="light")
        _require_both(self.reason)


@dataclass(frozen=True, slots=True)
class Versions:
    """Every version of the keys that have more than one, ordered by start and then as they came; NaN is a withdrawal.

    `source` is the number of the reply that brought the version.
    """

    start: Times
    known_since: Times
    source: npt.NDArray[np.int64]
    value: Floats


@dataclass(frozen=True, slots=True)
class Record:
    """One series as a check sees it: the current observations by ascending start, and what was declared of it.

    `cadence_seconds` is the publisher's claim and None for an ended feed; `seen_until` is when the feed was last
    asked or last brought a reply, `now` the time the judgement is made for. `versions` is None where it wasn't read.
    """

    series: Series
    zone: ZoneInfo
    cadence_seconds: int | None
    start: Times
    end: Times
    value: Floats
    known_since: Times
    seen_until: datetime
    now: datetime
    versions: Versions | None = None

    @property
    def quantity(self) -> Quantity:
        """What is measured."""
        return self.series.measured


@dataclass(frozen=True, slots=True)
class Refusals:
    """Rows of one reply that were refused for one reason: how many, and the first of them as it came."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """A key that stood more than once in one reply, with all its values as they came."""

    series: int
    start: datetime
    end: datetime
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply as it was admitted: what names it had, how many rows, and which of them were wrong.

    `names` are the columns of a table or the keys of a document with their path (`data.stations[].station_id`), in
    the reply's order; empty where the form has none (a binary). `first` and `last` are the earliest start and the
    latest end of its observations, None where it had none.
    """

    reply: str
    received: datetime
    names: tuple[str, ...]
    rows: int
    first: datetime | None
    last: datetime | None
    refused: tuple[Refusals, ...] = ()
    repeats: tuple[Repeat, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A place as a feed described it from `first` to `last` (the receipt of a reply); one that changed has several."""

    place: Place
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """A feed with its series, the places it spoke of and its replies by time of receipt, as a check sees it."""

    feed: str
    zone: ZoneInfo
    cadence_seconds: int | None
    records: Sequence[Record]
    sites: Sequence[Site]
    deliveries: Sequence[Delivery]
    seen_until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class FeedMark:
    """A mark on some series of a feed, or on all of them where `series` is None."""

    mark: Mark
    series: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A series about to be compared: what it is, and the usual length of its intervals, 0 where unknown."""

    series: Series
    interval_seconds: float = 0.0

    @property
    def quantity(self) -> Quantity:
        """What is measured."""
        return self.series.measured


@dataclass(frozen=True, slots=True)
class Unlike:
    """Why two series may not be compared, with what differs."""

    reason: Text
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_both(self.reason)


@dataclass(frozen=True, slots=True)
class Check:
    """One way data can be wrong: its name, what it means to a reader, and the functions that look for it.

    `judge` sees one series and runs after every reply that touches it; `judge_feed` sees the whole feed, and runs
    at most daily; `compare` sees two series before a study puts them side by side.
    """

    name: str
    title: Text
    meaning: Text
    judge: Callable[[Record], list[Mark]] | None = None
    judge_feed: Callable[[FeedRecord], list[FeedMark]] | None = None
    compare: Callable[[Offered, Offered], list[Unlike]] | None = None

    def __post_init__(self) -> None:
        if self.judge is None and self.judge_feed is None and self.compare is None:
            raise InvalidValueError(f"check {self.name!r} looks at nothing", where="judge")
        _require_both(self.title)
        _require_both(self.meaning)


def _require_both(text: Text) -> None:
    if set(text) != {"en", "fr"}:
        raise InvalidValueError(f"words are in en and fr, got {sorted(text)}", where="reason")
