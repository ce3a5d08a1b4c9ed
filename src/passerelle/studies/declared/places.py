"""The design `places`: places that had the change against a pool of comparison places, seen at the same times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import chain
from typing import Literal

import msgspec

from passerelle.lab.question import Assignment
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity
from passerelle.studies.declared.change import Line, Text, Word
from passerelle.studies.declared.terms import Metres, PanelStudy, Share, Spillover, Windows, require_percent

Method = Literal["auto", "did", "twfe", "cs", "sc", "asc", "sdid", "its", "cluster_randomised", "switchback"]
Alternative = Literal["did", "twfe", "cs", "sc", "asc", "sdid", "its"]


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place left out, and why."""

    place: Line
    why: Text


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Which places make one group: those named, else all that have the outcome.

    `within_metres` and `beyond_metres` keep those at such distances from where the change was made. `feed`, `quantity`
    and `facet` are the outcome's unless given: the two groups may be published by two feeds.
    """

    label: Text
    places: tuple[Line, ...] = ()
    within_metres: Metres | None = None
    beyond_metres: Metres | None = None
    leave_out: tuple[LeftOut, ...] = ()
    feed: Word | None = None
    quantity: Line | None = None
    facet: str | None = None

    def __post_init__(self) -> None:
        if self.quantity is not None:
            get_quantity(self.quantity)


class Treated(Group, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The places that had the change; `first_days` are those of places that had it from another day than it began."""

    first_days: Mapping[str, date] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.places and self.within_metres is None:
            raise InvalidValueError("treated needs `places` or `within_metres`", where="study.treated")
        if unknown := set(self.first_days) - set(self.places):
            raise InvalidValueError(
                f"first_days names {sorted(unknown)}, which are not among the treated places",
                where="study.treated.first_days",
            )


class Pool(Group, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The comparison places; `phrase` names them in the sentence, `why` argues for them.

    With `none` no place is compared: the treated ones are compared with their own course before.
    """

    phrase: Text
    why: Text
    none: bool = False


class Surrounding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What moves all places, and isn't moved by the change: a series of the archive (weather), taken by time."""

    feed: Word
    quantity: Line
    place: Line
    over_time: Literal["sum", "mean", "max", "min"]
    facet: str = ""

    def __post_init__(self) -> None:
        get_quantity(self.quantity)


class PlacesStudy(PanelStudy, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Treated and comparison places at each time of `every`.

    `unit` is what stands for itself: a place, a cluster of places that had the change together (`clusters`), or the
    time, where all places of a group are put together. A place seen at less than the share `least_seen` of the times is
    left out. `alternatives` are other methods, shown beside the method and never chosen for their answer.
    """

    design: Literal["places"]
    method: Method
    unit: Literal["place", "cluster", "time"]
    every: Literal["day", "week", "month", "year"]
    treated: Treated
    comparison: Pool
    windows: Windows
    alternatives: tuple[Alternative, ...] = ()
    assignment: Assignment = Assignment.OBSERVED
    clusters: Mapping[str, tuple[Line, ...]] = {}
    least_seen: Share = 1.0
    seasons: tuple[Literal["week", "year"], ...] = ()
    adjust_for: tuple[Literal["weekday", "month"], ...] = ()
    surroundings: tuple[Surrounding, ...] = ()
    spillover: Spillover | None = None

    def __post_init__(self) -> None:
        require_percent(self.scale, self.smallest_effect)
        if bool(self.clusters) != (self.unit == "cluster"):
            raise InvalidValueError("`clusters` are for the unit 'cluster', which needs them", where="study.clusters")
        members = list(chain.from_iterable(self.clusters.values()))
        if len(set(members)) != len(members):
            raise InvalidValueError("a place is in two clusters", where="study.clusters")
        if both := set(self.treated.places) & set(self.comparison.places):
            raise InvalidValueError(f"{sorted(both)} are treated and comparison", where="study.comparison.places")
        if (self.every == "year" and self.seasons) or (self.every != "day" and "week" in self.seasons):
            raise InvalidValueError(
                f"{list(self.seasons)} don't come again within times of a {self.every}", where="study.seasons"
            )
        if self.method in self.alternatives:
            raise InvalidValueError(f"{self.method} is the method and an alternative", where="study.alternatives")
