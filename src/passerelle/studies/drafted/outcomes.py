"""Which outcomes the places of a change have: each with what is held of it, and why it isn't offered where it isn't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed, Redistribute
from passerelle.lab.estimators.did import FEWEST_TIMES
from passerelle.model.errors import UnknownNameError
from passerelle.model.quantity import Quantity, get_quantity
from passerelle.registry.places import get_place
from passerelle.registry.series import StoredSeries, count_places_of, list_series
from passerelle.studies.drafted.draft import Sought
from passerelle.studies.drafted.held import Held, read_held, worst
from passerelle.studies.gathered.calendar import is_regular, step_seconds
from passerelle.studies.told.words import LANGUAGES, Words, explain, texts
from passerelle.trust.check import Light

_DAY = 86_400.0

_LATE = timedelta(days=92)
"""A judgement: who publishes by the quarter may be that late."""

Kind = tuple[str, str, str]
"""Feed, quantity and facet: what makes series alike."""

ReadCoverage = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]


def list_outcomes(archive: Archive, sought: Sought, read_coverage: ReadCoverage) -> list[dict[str, Any]]:
    """The outcomes at the places, those offered first, then those that most of the places have."""
    with archive.engine.connect() as connection:
        kinds = _list_kinds(connection, sought.places)
        found = [one for series in kinds.values() for one in series]
        covered = read_coverage([one.number for one in found])
        held = {
            one.series.number: one
            for one in read_held(connection, found, covered, sought.start, archive.city.time_zone)
        }
        outcomes = [
            _tell(archive, kind, [held[one.number] for one in series], sought, count_places_of(connection, *kind))
            for kind, series in kinds.items()
        ]
    return sorted(outcomes, key=lambda one: (not one["offered"], -len(one["places"]), one["feed"], one["quantity"]))


def _list_kinds(connection: Connection, places: Sequence[str]) -> dict[Kind, list[StoredSeries]]:
    kinds: dict[Kind, list[StoredSeries]] = {}
    for place in dict.fromkeys(places):
        get_place(connection, place)
        for one in list_series(connection, place=place, limit=1000):
            kinds.setdefault((one.feed, one.quantity, one.facet), []).append(one)
    return kinds


def _tell(archive: Archive, kind: Kind, held: Sequence[Held], sought: Sought, everywhere: int) -> dict[str, Any]:
    try:
        feed: Feed | None = archive.get_feed(kind[0])
    except UnknownNameError:
        feed = None  # It has left the city file, and its licence with it.
    quantity, begun = get_quantity(kind[1]), [one for one in held if one.first is not None]
    first = max((one.first for one in begun if one.first is not None), default=None)
    last = min((one.last for one in begun if one.last is not None), default=None)
    days = 0 if first is None else max(0, (sought.start - first).days)
    light = worst(one.light for one in begun)
    others = everywhere - len(held)
    needed = count_needed(quantity)
    code = _refuse(feed, quantity, begun, light, days, needed)
    if code is None and last is not None and _is_over(feed, last, sought.start, datetime.now(UTC).date()):
        code = "over"
    numbers: Words = {
        "places": str(len(begun)),
        "chosen": str(len(set(sought.places))),
        "first": str(first),
        "last": str(last),
        "count": days,
        "needed": needed,
    }
    told = texts()["draft"]["outcome"][code or ("offered" if others else "alone")]
    return {
        "feed": kind[0],
        "feed_title": dict.fromkeys(LANGUAGES, kind[0]) if feed is None else dict(feed.title),
        "quantity": quantity.name,
        "facet": kind[2],
        "sector": quantity.sector.value,
        "title": {"en": quantity.title_en, "fr": quantity.title_fr},
        "unit": quantity.unit,
        "statistic": quantity.statistic.value,
        "interval": quantity.interval,
        "places": [one.series.place for one in begun],
        "others": others,
        "first": first and first.isoformat(),
        "last": last and last.isoformat(),
        "days_before": days,
        "share": min((one.share for one in begun), default=0.0),
        "light": light and light.value,
        "offered": code is None,
        "why": explain(told, numbers),
    }


def _refuse(
    feed: Feed | None, quantity: Quantity, begun: Sequence[Held], light: Light | None, days: int, needed: int
) -> str | None:
    """The code of the first reason why the outcome isn't offered; None where there is none."""
    reasons = (
        ("kept", feed is None or feed.redistribute is Redistribute.NO),
        ("coverage", quantity.kind == "coverage"),
        ("irregular", not is_regular(quantity.interval)),
        ("nothing", not begun),
        ("short", days < needed),
        ("unjudged", light is None),
        ("red", light is Light.RED),
    )
    return next((code for code, holds in reasons if holds), None)


def _is_over(feed: Feed | None, last: date, start: date, today: date) -> bool:
    """Whether nothing from the change on is held or to be expected: the feed has ended, or brings nothing any more."""
    ended = feed is None or feed.cadence_seconds is None
    return last < (start if ended else min(start, today) - _LATE)


def count_needed(quantity: Quantity) -> int:
    """The days of history before the change that an outcome needs: `did.FEWEST_TIMES` days, months or years."""
    if not is_regular(quantity.interval):
        return FEWEST_TIMES
    return round(FEWEST_TIMES * max(_DAY, step_seconds(quantity.interval)) / _DAY)
