"""What is said before a pilot: power in numbers and sentences, and the calendar of other changes that interfere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.lab.panel import Floats
from passerelle.lab.trials.power import ENOUGH, Power
from passerelle.lab.verdict import Wanted
from passerelle.model.interval import parse_time
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Days
from passerelle.studies.gathered.calendar import midnight
from passerelle.studies.gathered.panels import COMPARISON, TREATED
from passerelle.studies.told.sentence import get_effect_unit
from passerelle.studies.told.words import LANGUAGES, explain, texts, to_percent

Answer = dict[str, Any]

_MULTIPLES = (1, 2, 3, 5)
"""The effects whose power is told, in smallest effects that matter."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The study that would be made: `times` are those of its windows before and after, `history` counts those of the
    archive, which begin in `days`, its second excluded."""

    study: PlacesStudy
    seats: pl.DataFrame
    days: Days
    history: int
    times: tuple[int, int]
    interfering: Sequence[Mapping[str, Any]]
    zone: ZoneInfo

    @property
    def sizes(self) -> Floats:
        """The effects tried, on the study's scale, in the direction wanted; upward where neither is."""
        smallest, sign = self.study.smallest_effect, -1 if self.study.wanted is Wanted.DOWN else 1
        told = [sign * smallest * one for one in _MULTIPLES]
        if self.study.scale == "log":
            told = [math.log1p(one / 100) for one in told if one > -100]
        return np.array(told)

    def tell(self, effect: float) -> float | None:
        """An effect in percent, or in the outcome's unit; None where it is without bound."""
        if not math.isfinite(effect):
            return None
        return to_percent(effect) if self.study.scale == "log" else effect

    def count(self, role: str) -> int:
        """How many places have the role."""
        return self.seats.filter(pl.col("role") == role).height


def write_pilot(tried: Tried, found: Power, larger: Sequence[Power] | None, *, undisturbed: bool) -> Answer:
    """The answer where the study could be tried; `larger` are those that would do where it doesn't, None if unasked."""
    enough = bool(found.shares[0] >= ENOUGH)
    code = "shows" if enough else "nothing" if math.isinf(found.mde) else "misses"
    settled = [{**_shape(tried, one), "sentence": _say("instead", tried, one)} for one in larger or ()]
    return {
        **_begin(tried),
        "can_show": enough,
        "method": found.method,
        "tried": {**_shape(tried, found), "undisturbed": undisturbed},
        "effects": [
            {"effect": tried.tell(float(size)), "power": float(share)}
            for size, share in zip(tried.sizes, found.shares, strict=True)
        ],
        "false_alarms": found.false_alarms,
        "studies": found.studies,
        "apart": found.apart,
        "failed": found.failed,
        "alternatives": settled,
        "sentence": _say(code, tried, found),
        "settles": None if enough or settled or larger is None else texts()["pilot"]["no_larger"],
    }


def write_short(tried: Tried) -> Answer:
    """The answer where the history is too short for the study's window after and two times more."""
    spoken = {
        "treated": _count("place", tried.count(TREATED)),
        "span": _count(tried.study.every, tried.times[1]),
        "history": _count(tried.study.every, tried.history),
        "needed": _count(tried.study.every, tried.times[1] + 2),
    }
    nothing: Answer = dict.fromkeys(("can_show", "method", "tried", "false_alarms"))
    return {
        **_begin(tried),
        **nothing,
        "effects": [],
        "studies": 0,
        "apart": 0,
        "failed": 0,
        "alternatives": [],
        "sentence": explain(texts()["pilot"]["short"], spoken),
        "settles": None,
    }


def _begin(tried: Tried) -> Answer:
    study = tried.study
    return {
        "study": study.id,
        "change": study.change,
        "every": study.every,
        "unit": get_effect_unit(study) or dict.fromkeys(LANGUAGES, "%"),
        "smallest_effect": study.smallest_effect,
        "places": {TREATED: tried.count(TREATED), COMPARISON: tried.count(COMPARISON)},
        "times": {"before": tried.times[0], "after": tried.times[1]},
        "history": {
            "from": tried.days[0].isoformat(),
            "until": tried.days[1].isoformat(),
            "times": tried.history,
        },
        "interfering": [
            _place(one, tried) for one in sorted(tried.interfering, key=lambda one: (one["start"], one["id"]))
        ],
    }


def _place(other: Mapping[str, Any], tried: Tried) -> Answer:
    """Another change in the calendar: when, which places of each side it touches, which windows it meets."""
    touched = None if other["places"] is None else set(other["places"])
    sides = {
        role: [
            place
            for place in tried.seats.filter(pl.col("role") == role)["place"]
            if touched is None or place in touched
        ]
        for role in (TREATED, COMPARISON)
    }
    start, end = (other[name] and parse_time(other[name]) for name in ("start", "end"))
    spans = {"before": tried.study.windows.before, "after": tried.study.windows.after}
    return {
        "id": other["id"],
        "title": other["title"],
        "from": start.astimezone(tried.zone).date().isoformat(),
        "until": end and end.astimezone(tried.zone).date().isoformat(),
        "everywhere": touched is None,
        **sides,
        "windows": [name for name, days in spans.items() if _meets(start, end, days, tried.zone)],
    }


def _meets(start: datetime, end: datetime | None, days: Days, zone: ZoneInfo) -> bool:
    """Whether what lasts from `start` to before `end` is in force on one of the local days."""
    after = midnight(days[1] + timedelta(days=1), zone)
    return start < after and (end is None or end > midnight(days[0], zone))


def _shape(tried: Tried, found: Power) -> Answer:
    return {
        "treated": found.shape.count,
        "times_before": found.shape.before,
        "times_after": found.shape.after,
        "mde": tried.tell(_signed(tried, found)),
        "power": float(found.shares[0]),
    }


def _signed(tried: Tried, found: Power) -> float:
    """The smallest effect shown, on the study's scale, in the direction tried."""
    return math.copysign(found.mde, tried.sizes[0])


def _say(code: str, tried: Tried, found: Power) -> dict[str, str]:
    numbers = {
        "smallest": float(tried.sizes[0]),
        "mde": _signed(tried, found),
        "power": float(found.shares[0]),
        "missed": 1 - float(found.shares[0]),
    }
    spoken = {
        # All places together are one unit; people count places.
        "treated": _count("place", tried.count(TREATED) if tried.study.unit == "time" else found.shape.count),
        "span": _count(tried.study.every, found.shape.after),
    }
    return explain(texts()["pilot"][code], {**numbers, **spoken}, get_effect_unit(tried.study))


def _count(what: str, count: int) -> dict[str, str]:
    """A count with its noun, in each language."""
    return explain(texts()["pilot"]["count"][what]["one" if count == 1 else "many"], {"count": count})
