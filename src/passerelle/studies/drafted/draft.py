"""A study that is being drafted: what a person chose, in plain terms; all else follows, or is chosen as well."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError
from passerelle.studies.declared.change import Line, Link, Text, Where, Word
from passerelle.studies.declared.places import Method
from passerelle.studies.declared.terms import Metres, Scale, Share

MOST_PLACES = 200
"""Places of a side, at most: each placebo study of the power estimates with all of them."""

Places = Annotated[tuple[Line, ...], msgspec.Meta(max_length=MOST_PLACES)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]

DEFAULT_REACH_METRES = 500.0
"""A judgement, told as one and made to be changed: some six minutes on foot."""


Every = Literal["day", "week", "month", "year"]

CUSTOMARY = 0.95
"""The level of an interval where nobody asks for another."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was done, as people say it. Where one language is told, the other has the same words."""

    title: Text
    what: Text
    by: Line
    link: Annotated[tuple[Link, ...], msgspec.Meta(min_length=1, max_length=20)]
    where: Where


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outcome: a quantity of a feed, and of which facet."""

    feed: Word
    quantity: Line
    facet: str = ""


class Sought(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose outcomes are asked for: at which places the change is made, and on which local day it begins."""

    places: Annotated[Places, msgspec.Meta(min_length=1)]
    start: date


class Pooled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose comparison places are asked for, from `before` to `until`.

    Without `before` it is from as far back as the treated places go. `geometry` is where the change is made; distances
    are measured to it, to the places where there is none.
    """

    places: Annotated[Places, msgspec.Meta(min_length=1)]
    outcome: Measured
    start: date
    until: date
    before: date | None = None
    geometry: dict[str, object] | None = None
    reach_metres: Metres = DEFAULT_REACH_METRES
    least_seen: Share = 0.8
    ramp: date | None = None
    every: Every | None = None
    scale: Scale | None = None

    def __post_init__(self) -> None:
        require_order(self.before, self.start, self.until)
        if self.ramp is not None and not self.start <= self.ramp < self.until:
            raise InvalidValueError(
                f"phasing in ends {self.ramp}; a day from {self.start} to before {self.until} is allowed", where="ramp"
            )

    @property
    def first_after(self) -> date:
        """The first day of the window after."""
        return self.start if self.ramp is None else date.fromordinal(self.ramp.toordinal() + 1)


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A study of places as a person chose it. What is null follows from the archive, with a reason.

    `start`, `ramp`, `end` are the change's local days, the last two included; `until` is the last of the window after.
    `smallest_percent` is of the mean before, where the scale is `level`. Without `comparison` those that
    are proposed are taken; an empty one compares the places with their own course before.
    """

    told: Told
    places: Annotated[Places, msgspec.Meta(min_length=1)]
    outcome: Measured
    wanted: Wanted
    start: date
    until: date
    end: date | None = None
    ramp: date | None = None
    comparison: Places | None = None
    reach_metres: Metres = DEFAULT_REACH_METRES
    smallest_percent: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    before: date | None = None
    every: Every | None = None
    scale: Scale | None = None
    method: Method = "auto"
    level: Annotated[float, msgspec.Meta(gt=0.5, lt=1)] = CUSTOMARY
    least_seen: Share = 0.8
    publish_on: date | None = None
    id: Word | None = None

    def __post_init__(self) -> None:
        # Raises where the days don't ascend.
        _ = self.pooled

    @property
    def pooled(self) -> Pooled:
        """Whose comparison places are proposed."""
        return Pooled(
            places=self.places,
            outcome=self.outcome,
            start=self.start,
            until=self.until,
            before=self.before,
            geometry=self.told.where.geometry,
            reach_metres=self.reach_metres,
            least_seen=self.least_seen,
            ramp=self.ramp,
            every=self.every,
            scale=self.scale,
        )


def require_order(before: date | None, start: date, until: date) -> None:
    """Raise `InvalidValueError` unless the days ascend."""
    if until <= start:
        raise InvalidValueError(f"until is {until}; a day after the start, {start}, is allowed", where="until")
    if before is not None and before >= start:
        raise InvalidValueError(f"before is {before}; a day before the start, {start}, is allowed", where="before")
