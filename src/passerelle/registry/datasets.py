"""Datasets: all that one feed has of one quantity, as a catalogue lists it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, func, select

from passerelle.registry.places import PLACES
from passerelle.registry.series import SERIES
from passerelle.registry.trust import TRUST_LIGHTS

Key = tuple[str, str]
"""A feed and a quantity."""


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """How many series a feed has of a quantity, at how many places, and how many of them have each light now."""

    feed: str
    quantity: str
    series: int
    places: int
    lights: dict[str, int] = field(default_factory=dict)


def list_datasets(connection: Connection, where: Iterable[ColumnElement[bool]] = ()) -> dict[Key, StoredDataset]:
    """Every feed and quantity that has series; of those series and places that `where` holds of."""
    key = (SERIES.c.feed, SERIES.c.quantity)
    counted = select(*key, func.count(), func.count(SERIES.c.place.distinct())).join_from(SERIES, PLACES)
    lit = select(*key, TRUST_LIGHTS.c.light, func.count()).join_from(SERIES, PLACES)
    lit = lit.join(TRUST_LIGHTS, TRUST_LIGHTS.c.series == SERIES.c.number).where(TRUST_LIGHTS.c.unsaid.is_(None))
    lights: dict[Key, dict[str, int]] = {}
    for feed, quantity, light, series in connection.execute(lit.where(*where).group_by(*key, TRUST_LIGHTS.c.light)):
        lights.setdefault((feed, quantity), {})[light] = series
    return {
        (feed, quantity): StoredDataset(feed, quantity, series, places, lights.get((feed, quantity), {}))
        for feed, quantity, series, places in connection.execute(counted.where(*where).group_by(*key))
    }
