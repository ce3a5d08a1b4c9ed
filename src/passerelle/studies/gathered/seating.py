"""Which series take part in a study of places, as what: from the registry's places and series to `panels.SEATS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection

from passerelle.model.errors import StudyError
from passerelle.registry.places import get_place
from passerelle.registry.series import StoredSeries, list_series
from passerelle.studies.declared.places import Group, PlacesStudy, Treated
from passerelle.studies.declared.terms import Measure
from passerelle.studies.gathered.distances import measure
from passerelle.studies.gathered.panels import COMPARISON, SEATS, SURROUNDING, TREATED

_MOST_SERIES = 100_000


def seat(connection: Connection, study: PlacesStudy, where: Mapping[str, Any]) -> pl.DataFrame:
    """The columns of `panels.SEATS`: treated places by id, then comparison ones, then what surrounds them.

    `where` is that of the change's document: its geometry, else its places', else the named treated places' are what
    distances are measured to.
    """
    targets = _find_targets(connection, study, where)
    treated = _choose(connection, study.outcome, study.treated, targets, set())
    taken = {one.place for one, _ in treated} | {one.place for one in study.treated.leave_out}
    compared = [] if study.comparison.none else _choose(connection, study.outcome, study.comparison, targets, taken)
    _require(study, treated, compared)
    around = [(_find_one(connection, one.feed, one.quantity, one.facet, one.place), None) for one in study.surroundings]
    clusters = {place: name for name, places in study.clusters.items() for place in places}
    rows = [
        _row(one, role, distance, study, clusters)
        for role, group in ((TREATED, treated), (COMPARISON, compared), (SURROUNDING, around))
        for one, distance in group
    ]
    return pl.DataFrame(rows, schema=SEATS, orient="row")


def _row(
    one: StoredSeries, role: str, distance: float | None, study: PlacesStudy, clusters: Mapping[str, str]
) -> tuple[Any, ...]:
    if study.clusters and role != SURROUNDING and one.place not in clusters:
        raise StudyError(f"{one.place} is in no cluster", where="study.clusters")
    first = study.treated.first_days.get(one.place, study.windows.after[0]) if role == TREATED else None
    return one.number, one.place, one.place_name, role, clusters.get(one.place, one.place), first, distance


def _find_targets(connection: Connection, study: PlacesStudy, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if where["geometry"] is not None:
        return [where["geometry"]]
    places = [get_place(connection, one) for one in where["places"] or study.treated.places]
    return [one.geometry for one in places if one.geometry is not None]


def _choose(
    connection: Connection,
    outcome: Measure,
    group: Group,
    targets: Sequence[Mapping[str, Any]],
    taken: set[str],
) -> list[tuple[StoredSeries, float | None]]:
    """The group's series by place, with their distances."""
    feed, quantity = group.feed or outcome.feed, group.quantity or outcome.quantity
    facet = outcome.facet if group.facet is None else group.facet
    held = {
        one.place: one
        for one in list_series(connection, feed=feed, quantity=quantity, limit=_MOST_SERIES)
        if one.facet == facet
    }
    if lost := [one for one in group.places if one not in held]:
        raise StudyError(
            f"the archive holds no {quantity} ({facet or 'no facet'}) from {feed} at {', '.join(lost[:5])}",
            where="study.treated.places" if isinstance(group, Treated) else "study.comparison.places",
        )
    out = taken | {one.place for one in group.leave_out}
    names = [one for one in sorted(group.places or held) if one not in out]
    distances = measure([_geometry(connection, one) for one in names], targets)
    return [(held[name], far) for name, far in zip(names, distances, strict=True) if _inside(group, far)]


def _geometry(connection: Connection, place: str) -> Mapping[str, Any] | None:
    return get_place(connection, place).geometry


def _inside(group: Group, distance: float | None) -> bool:
    """Whether a place at that distance belongs to the group; where distance counts, one of unknown distance doesn't."""
    if group.within_metres is None and group.beyond_metres is None:
        return True
    if distance is None:
        return False
    return (group.within_metres is None or distance <= group.within_metres) and (
        group.beyond_metres is None or distance > group.beyond_metres
    )


def _find_one(connection: Connection, feed: str, quantity: str, facet: str, place: str) -> StoredSeries:
    for one in list_series(connection, feed=feed, quantity=quantity, place=place, limit=_MOST_SERIES):
        if one.facet == facet:
            return one
    raise StudyError(f"the archive holds no {quantity} from {feed} at {place}", where="study.surroundings")


def _require(study: PlacesStudy, treated: Sequence[Any], compared: Sequence[Any]) -> None:
    if not treated:
        raise StudyError("no place is treated: none with the outcome lies near enough", where="study.treated")
    if not compared and not study.comparison.none:
        raise StudyError("no place is left to compare with", where="study.comparison")
