"""`/api/v1/profile`: all that is measured at a place or in an official area at a moment, sector by sector."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from passerelle.api.newest import ValueOut, read_moment, read_values
from passerelle.api.node import Node
from passerelle.api.parameters import TimeText
from passerelle.api.problem import refuse_parameter
from passerelle.api.tagged import answer_tagged
from passerelle.api.together import TogetherOut, pool
from passerelle.api.v1.places import AreaName, PlaceOut, show_place
from passerelle.feeds.area import Area
from passerelle.model.errors import UnknownNameError
from passerelle.model.quantity import Sector, get_quantity
from passerelle.registry.places import get_place
from passerelle.registry.series import list_series

_MOST_SERIES = 20_000
_SHOWN = 50


class MeasuredOut(msgspec.Struct, frozen=True):
    """A quantity from one feed: at how many places, in how many series, and how many of those stand.

    `together` is what they make together, or `apart` says why they don't. `values` are the first fifty by place.
    """

    quantity: str
    feed: str
    unit: str
    statistic: str
    interval: str
    places: int
    series: int
    standing: int
    together: TogetherOut | None
    apart: dict[str, str] | None
    values: list[ValueOut]


class SectorProfile(msgspec.Struct, frozen=True):
    """What is measured of a sector; one with nothing is `present: false`."""

    sector: str
    present: bool
    measured: list[MeasuredOut]


class AreaOut(msgspec.Struct, frozen=True):
    """An official area."""

    division: str
    code: str
    name: str


class ProfileOut(msgspec.Struct, frozen=True):
    """A place or an area `at` a moment, as now known or `as_known_at` a time; all sectors are named."""

    at: datetime
    as_known_at: datetime | None
    place: PlaceOut | None
    area: AreaOut | None
    sectors: list[SectorProfile]


@get("/profile", tags=["values"], sync_to_thread=True)
def read_profile(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    place: Annotated[str | None, QueryParameter(max_length=200, description="A place's id; or else give area.")] = None,
    area: AreaName = None,
    at: TimeText = None,
    as_known_at: TimeText = None,
) -> Response[ProfileOut]:
    """Every sector at a place or in an area, with the newest value of each series at the moment."""
    if (place is None) == (area is None):
        raise refuse_parameter("place", place or "", "either place or area is allowed, and one of them is needed")
    moment = read_moment(at, as_known_at)
    official = None if area is None else _find_area(node, area)
    with node.archive.engine.connect() as connection:
        stored = None if place is None else get_place(connection, place)
        inside = None if official is None else f"{official.division}:{official.code}"
        found = list_series(connection, place=place, area=inside, limit=_MOST_SERIES)
    values = sorted(read_values(node, found, moment), key=_order)
    by_sector = {sector: list(some) for sector, some in groupby(values, key=lambda one: one.sector)}
    answer = ProfileOut(
        at=moment.at,
        as_known_at=moment.as_known_at,
        place=None if stored is None else show_place(stored),
        area=None if official is None else AreaOut(official.division, official.code, official.name),
        sectors=[SectorProfile(one, one in by_sector, _measure(by_sector.get(one, []))) for one in Sector],
    )
    return answer_tagged(request, answer)


def _find_area(node: Node, name: str) -> Area:
    """The area of a code, or of `division:code`; of equal codes the first division's."""
    division, colon, code = name.rpartition(":")
    for area in node.archive.areas:
        if area.code == code and (not colon or area.division == division):
            return area
    raise UnknownNameError("area", name, where="area")


def _order(one: ValueOut) -> tuple[str, ...]:
    return one.sector, one.quantity, one.feed, one.place_name, one.place, one.facet


def _measure(values: Sequence[ValueOut]) -> list[MeasuredOut]:
    return [_show(list(some)) for _, some in groupby(values, key=lambda one: (one.quantity, one.feed))]


def _show(values: Sequence[ValueOut]) -> MeasuredOut:
    first, quantity = values[0], get_quantity(values[0].quantity)
    pooled = pool(quantity, values)
    together, apart = (pooled, None) if isinstance(pooled, TogetherOut) else (None, dict(pooled))
    return MeasuredOut(
        quantity=quantity.name,
        feed=first.feed,
        unit=quantity.unit,
        statistic=quantity.statistic,
        interval=quantity.interval,
        places=len({one.place for one in values}),
        series=len(values),
        standing=sum(one.newest is not None and one.newest.stands for one in values),
        together=together,
        apart=apart,
        values=list(values[:_SHOWN]),
    )
