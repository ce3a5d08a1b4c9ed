"""What is held of a series that a drafted study might use: since when, until when, how much, with which light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from passerelle.model.quantity import get_quantity
from passerelle.registry.series import StoredSeries
from passerelle.studies.gathered.calendar import is_regular, midnight, step_seconds
from passerelle.trust.check import Light
from passerelle.trust.reading import read_windows

Coverage = Mapping[int, Mapping[str, Any]]
"""`first`, `last` and `rows` of the series that have any, by number."""


@dataclass(frozen=True, slots=True)
class Held:
    """A series with the local days of its first and last value, the share of its values between them that are there,
    and its light before the change; None where it has no value, or was not judged."""

    series: StoredSeries
    first: date | None
    last: date | None
    share: float
    light: Light | None


def read_held(
    connection: Connection, found: Sequence[StoredSeries], covered: Coverage, start: date, zone: ZoneInfo
) -> list[Held]:
    """What is held of each of `found`, in its order, its light from its first value to the day of the change."""
    begun = {number: row["first"] for number, row in covered.items()}
    trust = read_windows(connection, found, begun, midnight(start, zone))
    return [
        _hold(one, covered.get(one.number), trust[one.number].light if one.number in trust else None, zone)
        for one in found
    ]


def _hold(one: StoredSeries, row: Mapping[str, Any] | None, light: Light | None, zone: ZoneInfo) -> Held:
    if row is None:
        return Held(one, None, None, 0.0, None)
    first, last = (row[name].astimezone(zone).date() for name in ("first", "last"))
    return Held(one, first, last, _share(one, row["first"], row["last"], row["rows"]), light)


def _share(one: StoredSeries, first: datetime, last: datetime, rows: int) -> float:
    """How many of the values from the first to the last are there; 1 where the interval doesn't say how many there
    should be."""
    interval = get_quantity(one.quantity).interval
    if not is_regular(interval):
        return 1.0
    expected = (last - first).total_seconds() / step_seconds(interval) + 1
    return min(1.0, rows / expected)


def worst(lights: Iterable[Light | None]) -> Light | None:
    """The worst of the lights; None where none was judged."""
    order = list(Light)
    return max((one for one in lights if one is not None), key=order.index, default=None)
