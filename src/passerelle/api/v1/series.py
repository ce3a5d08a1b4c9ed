"""`/api/v1/series`: one quantity at one place from one feed, with its coverage and latest value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import (
    BoxText,
    Cursor,
    Limit,
    QuantityName,
    SearchText,
    SectorName,
    check_choice,
    check_quantity,
    check_sector,
    read_box,
)
from passerelle.api.problem import RequestError, say
from passerelle.api.tokens import check_scope
from passerelle.api.trust import TrustOut, show_trust
from passerelle.api.v1.places import AreaName
from passerelle.archive.redistribution import Leaving, may_leave
from passerelle.feeds.feed import Redistribute
from passerelle.lake.contract import Selection
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.place import Place
from passerelle.model.quantity import get_quantity
from passerelle.model.series import Series, parse_series_id
from passerelle.registry.search import Search
from passerelle.registry.series import StoredSeries, get_series, list_series
from passerelle.registry.tokens import Scope
from passerelle.trust.reading import Trust, read_now


class LatestOut(msgspec.Struct, frozen=True):
    """The current value with the greatest start."""

    start: datetime
    end: datetime
    value: float
    known_since: datetime


class SeriesOut(msgspec.Struct, frozen=True):
    """A series; `first` and `last` are starts, `latest` is null where the feed's licence keeps values here.

    A feed that has left the city file has no licence any more: its series are listed, and nothing of them leaves.

    `trust` is the light of the newest value, null until it was judged.

    While observations come in, `first` and `rows` may be some seconds old; `latest` never is.
    """

    id: str
    feed: str
    place: str
    place_name: str
    quantity: str
    facet: str
    sector: str
    unit: str
    statistic: str
    interval: str
    title: dict[str, str]
    centre: tuple[float, float] | None
    first: datetime | None
    last: datetime | None
    rows: int
    redistribute: str
    latest: LatestOut | None
    trust: TrustOut | None


def show_series(node: Node, found: Sequence[StoredSeries]) -> list[SeriesOut]:
    """`found` with what the lake holds of each."""
    numbers = [one.number for one in found]
    if not numbers:
        return []
    covered = node.coverage.read_some(numbers)
    latest = {row["series"]: row for row in node.archive.lake.latest(Selection(numbers)).to_pylist()}
    with node.archive.engine.connect() as connection:
        trust = read_now(connection, found)
    return [_show(node, one, covered.get(one.number), latest.get(one.number), trust.get(one.number)) for one in found]


def show_title(one: StoredSeries) -> dict[str, str]:
    """What a series is called: its quantity, its facet and its place."""
    quantity = get_quantity(one.quantity)
    tail = f" ({one.facet})" if one.facet else ""
    return {
        "en": f"{quantity.title_en}{tail}, {one.place_name}",
        "fr": f"{quantity.title_fr}{tail}, {one.place_name}",
    }


def _show(
    node: Node,
    one: StoredSeries,
    covered: dict[str, Any] | None,
    latest: dict[str, Any] | None,
    trust: Trust | None,
) -> SeriesOut:
    quantity, feed = get_quantity(one.quantity), node.feeds.get(one.feed)
    shown = latest if feed is not None and may_leave(feed, Leaving.ROWS) else None
    return SeriesOut(
        id=one.id,
        feed=one.feed,
        place=one.place,
        place_name=one.place_name,
        quantity=one.quantity,
        facet=one.facet,
        sector=one.sector,
        unit=quantity.unit,
        statistic=quantity.statistic,
        interval=quantity.interval,
        title=show_title(one),
        centre=one.centre,
        first=None if covered is None else covered["first"],
        last=None if covered is None else covered["last"] if latest is None else latest["start"],
        rows=0 if covered is None else covered["rows"],
        redistribute=Redistribute.NO if feed is None else feed.redistribute,
        latest=None if shown is None else LatestOut(shown["start"], shown["end"], shown["value"], shown["known_since"]),
        trust=show_trust(trust),
    )


@get("/series", tags=["series"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    sector: SectorName = None,
    quantity: QuantityName = None,
    place: Annotated[str | None, QueryParameter(max_length=200)] = None,
    feed: Annotated[str | None, QueryParameter(max_length=200)] = None,
    area: AreaName = None,
    bbox: BoxText = None,
    q: SearchText = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[SeriesOut]:
    """Series, in the order of their numbers.

    `q` holds words of place, facet, quantity, sector or feed, in English or French; where nothing has them as they are
    written, slips of a letter or two are forgiven.
    """
    if feed is not None:
        check_choice("feed", feed, node.feeds)
    with node.archive.engine.connect() as connection:
        filtered = partial(
            list_series,
            connection,
            sector=check_sector(sector),
            quantity=check_quantity(quantity),
            place=place,
            feed=feed,
            area=area,
            bbox=read_box(bbox),
        )
        search = Search.of(q or "", node.feed_words)
        if search.words and not filtered(where=search.conditions(), limit=1):
            search = search.forgive(connection)
        found = filtered(where=search.conditions(), limit=limit + 1, after=read_cursor(cursor, int))
    page, following = cut_page(found, limit, lambda one: one.number)
    return Page(show_series(node, page), following)


@get("/series/{series_id:str}", tags=["series"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], series_id: FromPath[str]) -> SeriesOut:
    """One series."""
    return show_series(node, [find_series(node, series_id)])[0]


def find_series(node: Node, series_id: str) -> StoredSeries:
    """The series a path names; an `UnknownNameError` where there is none, be it for its form."""
    try:
        number = parse_series_id(series_id)
    except InvalidValueError as error:
        raise UnknownNameError("series", series_id[:40], where="series") from error
    with node.archive.engine.connect() as connection:
        return get_series(connection, number)


class NewPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place to measure at; `geometry` is GeoJSON, and one that is there already keeps its own where null comes."""

    id: str
    kind: str
    name: str
    geometry: dict[str, Any] | None = None


class NewSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A series to register in the token's feed."""

    place: NewPlace
    quantity: str
    facet: str = ""


@post("/series", tags=["series"], sync_to_thread=True)
def register_one(request: Request[Any, Any, Any], node: NamedDependency[Node], data: JSONBody[NewSeries]) -> SeriesOut:
    """Register a series of the token's feed; one that is there already is answered as it is."""
    token = node.tokens.find(request.headers.get("authorization"))
    check_scope(token, Scope.OBSERVATIONS)
    assert token.feed is not None  # noqa: S101  create_token refuses a writer without a feed
    place = data.place
    try:
        series = Series(token.feed, place.id, data.quantity, data.facet)
        node.archive.register([Place(place.id, place.kind, place.name, place.geometry)], [series])
    except (InvalidValueError, UnknownNameError) as error:
        raise RequestError("refused", str(error), [say(error.where, "", str(error))]) from error
    return show_series(node, [find_series(node, series.id)])[0]
