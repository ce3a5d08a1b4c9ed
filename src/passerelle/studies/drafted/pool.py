"""Which places a study may compare with: those proposed, and why each of the others is not.

A place is proposed where it has the outcome from the same feed, lies beyond the change's reach, has values through both
windows and a light that isn't red before the change, and no other registered change touched it alone meanwhile. What
became of it after the change is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.lab.estimators.did import FEWEST_TIMES
from passerelle.model.errors import StudyError
from passerelle.model.quantity import Quantity, get_quantity
from passerelle.registry.places import get_place
from passerelle.registry.series import StoredSeries, list_series
from passerelle.studies.drafted.draft import Measured, Pooled
from passerelle.studies.drafted.held import Held, read_held
from passerelle.studies.drafted.levels import read_levels
from passerelle.studies.drafted.outcomes import ReadCoverage
from passerelle.studies.gathered.calendar import whole
from passerelle.studies.gathered.distances import Geometry, measure
from passerelle.studies.gathered.gathering import list_touching
from passerelle.studies.told.words import Words, explain, texts
from passerelle.trust.check import Light

PROPOSED = 60
"""Places proposed, at most: with more, power takes longer to tell and hardly rises."""

LONGEST_BEFORE = timedelta(days=730)
"""How far back a window before is proposed to go: two of each season."""

_MOST_SERIES = 100_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that has the outcome: its distance to the change, and the code of the reason for or against it."""

    held: Held
    distance: float | None
    code: str
    changes: tuple[Mapping[str, str], ...] = ()

    @property
    def proposed(self) -> bool:
        """Whether it is proposed."""
        return self.code in ("proposed", "unplaced")

    @property
    def place(self) -> str:
        """The place's id."""
        return self.held.series.place


@dataclass(frozen=True, slots=True)
class Pool:
    """What the places of the change are compared with, and how: the first day before, what is counted, on which scale.

    `candidates` are those proposed first, each by distance and name. `size` is the mean of the treated places' numbers
    before the change, without sign.
    """

    before: date
    every: str
    scale: str
    size: float
    candidates: list[Candidate]


def list_pool(archive: Archive, pooled: Pooled, read_coverage: ReadCoverage) -> Pool:
    """The pool of the outcome at the places of the change."""
    zone, ended = archive.city.time_zone, archive.get_feed(pooled.outcome.feed).cadence_seconds is None
    with archive.engine.connect() as connection:
        found = list_alike(connection, pooled.outcome)
        covered = read_coverage([one.number for one in found])
        held = {one.series.place: one for one in read_held(connection, found, covered, pooled.start, zone)}
        treated = [_require(held, place, pooled.outcome) for place in pooled.places]
        before = pooled.before or find_before(treated, pooled.start)
        others = {place: one for place, one in held.items() if place not in pooled.places}
        distances = dict(zip(others, _measure(connection, list(others), pooled), strict=True))
        span = (before, pooled.until + timedelta(days=1))
        touched = _find_touched(list_touching(connection, list(others), pooled.reach_metres, span, zone))
    quantity = get_quantity(pooled.outcome.quantity)
    every = pooled.every or choose_every(quantity, before, pooled)
    numbers = [one.series.number for one in held.values()]
    levels = read_levels(archive, numbers, quantity, before, pooled.start, every)
    own = [one.series.number for one in treated]
    scale = pooled.scale or ("level" if quantity.lower < 0 or levels.empty.intersection(own) else "log")
    empty = levels.empty if scale == "log" else frozenset()
    candidates = [
        _judge(one, distances[place], touched.get(place, ()), pooled, before, empty, ended=ended)
        for place, one in others.items()
    ]
    sizes = [levels.sizes[one] for one in own if one in levels.sizes]
    return Pool(before, every, scale, sum(sizes) / len(sizes) if sizes else 0.0, _cap(sorted(candidates, key=_order)))


def _cap(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [
        one if rank < PROPOSED or not one.proposed else Candidate(one.held, one.distance, "many")
        for rank, one in enumerate(candidates)
    ]


def choose_every(quantity: Quantity, before: date, pooled: Pooled) -> str:
    """What is counted: as it is published where that is rarer than weeks, else weeks where each side has enough."""
    if quantity.interval in ("P1Y", "P1M"):
        return {"P1Y": "year", "P1M": "month"}[quantity.interval]
    sides = ((before, pooled.start - timedelta(days=1)), (pooled.first_after, pooled.until))
    return "week" if min(_count_weeks(*side) for side in sides) >= FEWEST_TIMES else "day"


def _count_weeks(first: date, last: date) -> int:
    """The whole weeks among the days."""
    start, _ = whole(first + timedelta(days=6), first, "week")
    end, _ = whole(last + timedelta(days=1), last, "week")
    return max(0, (end - start).days // 7)


def list_alike(connection: Connection, outcome: Measured) -> list[StoredSeries]:
    """Every series of the outcome; `StudyError` where there is none."""
    found = [
        one
        for one in list_series(connection, feed=outcome.feed, quantity=outcome.quantity, limit=_MOST_SERIES)
        if one.facet == outcome.facet
    ]
    if not found:
        raise StudyError(
            f"the archive holds no {outcome.quantity} ({outcome.facet or 'no facet'}) from {outcome.feed}",
            where="outcome",
        )
    return found


def find_before(treated: Sequence[Held], start: date) -> date:
    """The first day from which all treated places have values, at most two years before the change."""
    first = max(one.first for one in treated if one.first is not None)
    if first >= start:
        raise StudyError(f"the treated places have no history before {start}; theirs begins {first}", where="start")
    # The first day is seldom whole.
    return min(max(first + timedelta(days=1), start - LONGEST_BEFORE), start - timedelta(days=1))


def tell_candidate(one: Candidate, pooled: Pooled) -> dict[str, Any]:
    """The candidate as answers hold it: the place, its distance, whether it is proposed, and why."""
    series = one.held.series
    told: Words = {
        "distance": one.distance or 0.0,
        "reach": pooled.reach_metres,
        "share": one.held.share,
        "least": pooled.least_seen,
        "first": str(one.held.first),
        "last": str(one.held.last),
        "most": PROPOSED,
        "changes": {language: "; ".join(title[language] for title in one.changes) for language in ("en", "fr")},
    }
    return {
        "place": series.place,
        "name": series.place_name,
        "series": series.id,
        "centre": series.centre,
        "distance": one.distance,
        "first": one.held.first and one.held.first.isoformat(),
        "last": one.held.last and one.held.last.isoformat(),
        "share": one.held.share,
        "light": one.held.light and one.held.light.value,
        "proposed": one.proposed,
        "why": {"code": one.code, "text": explain(texts()["draft"]["pool"][one.code], told)},
    }


def _require(held: Mapping[str, Held], place: str, outcome: Measured) -> Held:
    if place not in held or held[place].first is None:
        raise StudyError(
            f"the archive holds no {outcome.quantity} ({outcome.facet or 'no facet'}) from {outcome.feed} at {place}",
            where="places",
        )
    return held[place]


def _measure(connection: Connection, places: Sequence[str], pooled: Pooled) -> list[float | None]:
    targets: list[Geometry | None] = [pooled.geometry] if pooled.geometry is not None else []
    targets = targets or [get_place(connection, one).geometry for one in pooled.places]
    return measure([get_place(connection, one).geometry for one in places], targets)


def _find_touched(others: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Mapping[str, str], ...]]:
    """The titles of the changes that touched each place; those of the whole city touch both sides alike."""
    found: dict[str, tuple[Mapping[str, str], ...]] = {}
    for one in others:
        for place in one["places"] or ():
            found[place] = (*found.get(place, ()), one["title"])
    return found


def _judge(
    one: Held,
    distance: float | None,
    touched: tuple[Mapping[str, str], ...],
    pooled: Pooled,
    before: date,
    empty: frozenset[int],
    *,
    ended: bool,
) -> Candidate:
    reasons = (
        ("nothing", one.first is None),
        ("near", distance is not None and distance < pooled.reach_metres),
        ("somewhere", distance is None and pooled.geometry is not None),
        ("begins", one.first is not None and one.first > before),
        ("ends", ended and one.last is not None and one.last < pooled.until),
        ("gaps", one.share < pooled.least_seen),
        ("red", one.light is Light.RED),
        ("zero", one.series.number in empty),
        ("touched", bool(touched)),
        ("unplaced", distance is None),
    )
    code = next((code for code, holds in reasons if holds), "proposed")
    return Candidate(one, distance, code, touched)


def _order(one: Candidate) -> tuple[bool, float, str]:
    return not one.proposed, one.distance if one.distance is not None else float("inf"), one.held.series.place_name
