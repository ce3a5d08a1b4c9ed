"""What every design of a study declares in the same words: direction, windows, exclusions, looks, publication."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity
from passerelle.studies.declared.change import Line, Text, Word

Days = tuple[date, date]
"""First and last local day, both included."""

Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
Hour = Annotated[int, msgspec.Meta(ge=0, le=24)]
Metres = Annotated[float, msgspec.Meta(gt=0, le=100_000)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Scale = Literal["log", "level"]
"""Effects are ratios (percent), or differences in the outcome's unit."""


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The local days before the change and after it that are compared."""

    before: Days
    after: Days

    def __post_init__(self) -> None:
        if not self.before[0] <= self.before[1] < self.after[0] <= self.after[1]:
            raise InvalidValueError(f"windows {self.before} and {self.after} must ascend", where="windows")


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Local days left out, both ends included, and why."""

    start: date
    end: date
    why: Text


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When the outcome is looked at: once, when all of it is there (`fixed`), or on the days of `looks` as well.

    At each look only what was there before its day is used, and its share of the error is spent
    (`lab/checks/peeking.py`).
    """

    rule: Literal["fixed", "looks"]
    looks: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.looks) != (self.rule == "looks"):
            raise InvalidValueError("the rule 'looks' needs the days of `looks`, 'fixed' has none", where="study.stop")
        if any(first >= second for first, second in pairwise(self.looks)):
            raise InvalidValueError("the days of `looks` must ascend", where="study.stop.looks")


class Picked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the treated places were chosen; `by_outcome_of` are the days whose outcome they were chosen for.

    Places chosen for being worst tend to get better by themselves.
    """

    how: Text
    by_outcome_of: Days | None = None


class Spillover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the change may reach: comparison places nearer to a treated one may have been touched."""

    metres: Metres
    why: Text


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The outcome: a quantity of a feed, and how its values make one number for a unit and a time.

    `over_time` puts the values of a place within a time together, `over_places` the places where they
    make one unit. Only `hours` `[from, to)` and `weekdays` by local clock are counted, all if not given.
    With `absent = "zero"` the publisher lists only what happened, so that a value that isn't there is zero on a day
    on which the feed has anything. `subject` and `after` make the sentence.
    """

    feed: Word
    quantity: Line
    over_time: Literal["sum", "mean", "max", "min"]
    title: Text
    subject: Text
    after: Text
    facet: str = ""
    over_places: Literal["sum", "mean"] = "sum"
    hours: tuple[Hour, Hour] = (0, 24)
    weekdays: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)] = (1, 2, 3, 4, 5, 6, 7)
    absent: Literal["gap", "zero"] = "gap"
    zero_day_is_outage: bool = False

    def __post_init__(self) -> None:
        get_quantity(self.quantity)
        require_hours(self.hours)
        if self.absent == "zero" and self.over_time != "sum":
            raise InvalidValueError("what isn't there is zero in a sum only", where="study.outcome.absent")


def require_hours(hours: tuple[int, int]) -> None:
    """Raise `InvalidValueError` unless `hours` ascend."""
    if hours[0] >= hours[1]:
        raise InvalidValueError(f"hours {hours} must ascend", where="hours")


def require_percent(scale: Scale, smallest_effect: float) -> None:
    """Raise `InvalidValueError` where the smallest effect of a ratio isn't below 100 %."""
    if scale == "log" and smallest_effect >= 100:
        raise InvalidValueError(
            f"the smallest effect is {smallest_effect} %; less than 100 is needed on the log scale",
            where="study.smallest_effect",
        )


class PanelStudy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What the designs judged as a panel have in common.

    `smallest_effect`, either way, is in percent on the scale `log` and in the outcome's unit on `level`. A finding
    before `publish_on` is peeking. `unit_word` says the outcome's unit to people, where effects are in it.
    """

    id: Word
    change: Word
    wanted: Wanted
    smallest_effect: Annotated[float, msgspec.Meta(gt=0)]
    scale: Scale
    level: Annotated[float, msgspec.Meta(gt=0.5, lt=1)]
    outcome: Measure
    exclude: tuple[Exclusion, ...] = ()
    anticipation: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    stop: Stop = Stop("fixed")
    publish_on: date | None = None
    picked: Picked | None = None
    unit_word: Text | None = None
    seed: int = 0


def excludes(exclusions: Iterable[Exclusion], day: date) -> bool:
    """Whether `day` was declared left out."""
    return any(one.start <= day <= one.end for one in exclusions)
