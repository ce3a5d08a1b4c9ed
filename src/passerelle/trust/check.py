"""What a check is given, and what it answers: the intervals of a series that can't be trusted, and why.

A check is pure: arrays in, marks out. It knows no city and no feed by name; what it calls unusual it has learnt
from the series' own past wherever that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import Quantity

Times = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC."""


class Light(StrEnum):
    """How far a series can be trusted in an interval; what no mark covers is green."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Mark:
    """An interval `[start, end)` of a series that isn't green, with a reason in `en` and `fr` anyone understands.

    `evidence` is what a person can open to see it: numbers, times, the rows before and after, as JSON has them.
    """

    start: datetime
    end: datetime
    light: Light
    reason: Mapping[str, str]
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise InvalidValueError(f"a mark from {self.start} to {self.end} marks nothing", where="end")
        if self.light is Light.GREEN:
            raise InvalidValueError("a mark is amber or red; green needs none", where="light")
        if set(self.reason) != {"en", "fr"}:
            raise InvalidValueError(f"a reason is in en and fr, got {sorted(self.reason)}", where="reason")


@dataclass(frozen=True, slots=True)
class Record:
    """One series as a check sees it: the current observations by ascending start, and what was declared of it.

    `cadence_seconds` is the publisher's claim and None for an ended feed; `seen_until` is when the feed was last
    asked or last brought a reply, `now` the time the judgement is made for.
    """

    quantity: Quantity
    zone: ZoneInfo
    cadence_seconds: int | None
    start: Times
    end: Times
    value: npt.NDArray[np.float64]
    known_since: Times
    seen_until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One way a series can be wrong: its name, what it means to a reader, and the function that looks for it."""

    name: str
    title: Mapping[str, str]
    meaning: Mapping[str, str]
    judge: Callable[[Record], list[Mark]]
