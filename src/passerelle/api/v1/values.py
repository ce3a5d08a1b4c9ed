"""`/api/v1/values`: what every series said at a moment, as it was or as it was known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from passerelle.api.cursors import cut_page, read_cursor
from passerelle.api.newest import ValueOut, read_moment, read_values
from passerelle.api.node import Node
from passerelle.api.parameters import (
    BoxText,
    Cursor,
    Limit,
    QuantityName,
    SectorName,
    TimeText,
    check_choice,
    check_quantity,
    check_sector,
    read_box,
)
from passerelle.api.tagged import answer_tagged
from passerelle.api.v1.places import AreaName
from passerelle.registry.series import list_series


class ValuePage(msgspec.Struct, frozen=True):
    """One answer of a list of values `at` a moment; send that moment with the cursor where none was given."""

    items: list[ValueOut]
    next: str | None
    at: datetime


@get("/values", tags=["values"], sync_to_thread=True)
def list_all(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    at: TimeText = None,
    as_known_at: TimeText = None,
    sector: SectorName = None,
    quantity: QuantityName = None,
    feed: Annotated[str | None, QueryParameter(max_length=200)] = None,
    place: Annotated[str | None, QueryParameter(max_length=200)] = None,
    area: AreaName = None,
    bbox: BoxText = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response[ValuePage]:
    """Each series with its newest value whose interval began at or before `at` (now unless told), by number."""
    moment = read_moment(at, as_known_at)
    if feed is not None:
        check_choice("feed", feed, node.feeds)
    with node.archive.engine.connect() as connection:
        found = list_series(
            connection,
            sector=check_sector(sector),
            quantity=check_quantity(quantity),
            place=place,
            feed=feed,
            area=area,
            bbox=read_box(bbox),
            limit=limit + 1,
            after=read_cursor(cursor, int),
        )
    page, following = cut_page(found, limit, lambda one: one.number)
    return answer_tagged(request, ValuePage(read_values(node, page, moment), following, moment.at))
