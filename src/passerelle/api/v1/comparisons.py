"""`/api/v1/comparisons`: what two places both measure, and why the rest may not be put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Annotated, Any

import msgspec
import polars as pl
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from passerelle.api.node import Node
from passerelle.api.problem import refuse_parameter
from passerelle.api.tagged import answer_tagged
from passerelle.api.v1.places import PlaceOut, show_place
from passerelle.api.v1.series import SeriesOut, show_series
from passerelle.lake.contract import Selection
from passerelle.model.quantity import get_quantity
from passerelle.registry.places import get_place
from passerelle.registry.series import StoredSeries, list_series
from passerelle.studies.gathered.trusted import offer
from passerelle.trust.check import Text
from passerelle.trust.judge import compare
from passerelle.trust.words import say

PlaceId = Annotated[str, QueryParameter(max_length=200, description="A place's id.")]

_MOST_SERIES = 200
_MEASURED_OVER = timedelta(days=90)
"""How much of a series' end its usual interval is measured in."""


class PairOut(msgspec.Struct, frozen=True):
    """A series of each place, or of one alone. Where they are alike, `start` to `end` is what both hold, null if none.

    `reasons` say why they may not be compared, by the rule that studies keep.
    """

    sector: str
    one: SeriesOut | None
    other: SeriesOut | None
    alike: bool
    reasons: list[dict[str, str]]
    start: datetime | None
    end: datetime | None


class ComparisonOut(msgspec.Struct, frozen=True):
    """Two places and their series, pair by pair, those that are alike first."""

    one: PlaceOut
    other: PlaceOut
    pairs: list[PairOut]


@get("/comparisons", tags=["values"], sync_to_thread=True)
def read_comparison(
    request: Request[Any, Any, Any], node: NamedDependency[Node], one: PlaceId, other: PlaceId
) -> Response[ComparisonOut]:
    """Which series of two places may be compared: same unit, statistic and interval of the same quantity."""
    if one == other:
        raise refuse_parameter("other", other, "another place than `one` is allowed")
    with node.archive.engine.connect() as connection:
        places = [show_place(get_place(connection, place)) for place in (one, other)]
        held = [list_series(connection, place=place, limit=_MOST_SERIES) for place in (one, other)]
    shown = {series.id: series for some in held for series in show_series(node, some)}
    seconds = _measure(node, [series for some in held for series in some])
    pairs = [_show(pair, shown, seconds) for pair in _pair(*held)]
    return answer_tagged(request, ComparisonOut(places[0], places[1], sorted(pairs, key=_order)))


Pair = tuple[StoredSeries | None, StoredSeries | None]


def _pair(ours: Sequence[StoredSeries], theirs: Sequence[StoredSeries]) -> list[Pair]:
    """Series of the same quantity and facet; what is left, beside the like of it in the same sector, or alone."""
    same: list[Pair] = [
        (one, other)
        for one, other in product(ours, theirs)
        if (one.quantity, one.facet) == (other.quantity, other.facet)
    ]
    met = {series.number for pair in same for series in pair if series is not None}
    left, right = ([one for one in some if one.number not in met] for some in (ours, theirs))
    near: list[Pair] = [(one, other) for one, other in product(left, right) if _is_near(one, other)]
    met |= {series.number for pair in near for series in pair if series is not None}
    alone: list[Pair] = [(one, None) for one in left if one.number not in met]
    return [*same, *near, *alone, *((None, one) for one in right if one.number not in met)]


def _is_near(one: StoredSeries, other: StoredSeries) -> bool:
    """Whether a reader could take the two for the same: of one kind and unit, or divisions of one quantity."""
    ours, theirs = get_quantity(one.quantity), get_quantity(other.quantity)
    return ours.name == theirs.name or (ours.sector, ours.kind, ours.unit) == (theirs.sector, theirs.kind, theirs.unit)


def _measure(node: Node, series: Sequence[StoredSeries]) -> dict[int, float]:
    """The usual length in seconds of each series' intervals of late; those without values are left out."""
    newest = node.archive.lake.latest(Selection([one.number for one in series])).to_pylist()
    found: dict[int, float] = {}
    for row in newest:
        rows = node.archive.lake.read(Selection([row["series"]], row["start"] - _MEASURED_OVER))
        lengths = pl.DataFrame(rows).select((pl.col("end") - pl.col("start")).median().dt.total_seconds())
        found[row["series"]] = float(lengths.item())
    return found


def _show(pair: Pair, shown: dict[str, SeriesOut], seconds: dict[int, float]) -> PairOut:
    one, other = pair
    reasons = _list_reasons(one, other, seconds)
    some = one or other
    assert some is not None  # noqa: S101  a pair has at least one
    ours, theirs = (None if each is None else shown[each.id] for each in pair)
    start, end = (None, None) if reasons or ours is None or theirs is None else _overlap(ours, theirs)
    return PairOut(some.sector, ours, theirs, not reasons, [dict(reason) for reason in reasons], start, end)


def _list_reasons(one: StoredSeries | None, other: StoredSeries | None, seconds: dict[int, float]) -> list[Text]:
    if one is None or other is None:
        return [say("Only one of the two places measures it.", "Un seul des deux lieux le mesure.")]
    if not {one.number, other.number} <= seconds.keys():
        return [say("One of the two has no value yet.", "L'un des deux n'a pas encore de valeur.")]
    unlike = [found.reason for _, found in compare(*(offer(each, seconds[each.number]) for each in (one, other)))]
    if not unlike and (one.quantity, one.facet) != (other.quantity, other.facet):
        return [say("They measure different things.", "Ils ne mesurent pas la même chose.")]
    return unlike


def _overlap(ours: SeriesOut, theirs: SeriesOut) -> tuple[datetime | None, datetime | None]:
    if ours.first is None or theirs.first is None or ours.last is None or theirs.last is None:
        return None, None
    start, end = max(ours.first, theirs.first), min(ours.last, theirs.last)
    return (start, end) if start <= end else (None, None)


def _order(pair: PairOut) -> tuple[bool, bool, str, str, str]:
    some = pair.one or pair.other
    assert some is not None  # noqa: S101  a pair has at least one
    return not pair.alike, pair.one is None or pair.other is None, pair.sector, some.quantity, some.facet
