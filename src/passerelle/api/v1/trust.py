"""`/api/v1/feeds/{id}/trust`: which series of a feed can be trusted, in a window of time, worst first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from sqlalchemy import Connection

from passerelle.api.cursors import Page, read_cursor, write_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit, TimeText, read_span, read_time
from passerelle.api.problem import refuse_parameter
from passerelle.api.trust import MarkOut, MessageOut, RowOut, show_marks, show_message, show_spans
from passerelle.api.v1.series import show_title
from passerelle.archive.redistribution import Leaving, may_leave
from passerelle.feeds.feed import Feed
from passerelle.model.interval import parse_time
from passerelle.model.quantity import get_quantity
from passerelle.registry.series import StoredSeries, list_series
from passerelle.trust.check import Light
from passerelle.trust.keeping import MOST_SERIES
from passerelle.trust.message import write_about_series
from passerelle.trust.reading import Trust, find_last_good_row, read_now, read_windows


class SeriesTrustOut(msgspec.Struct, frozen=True):
    """A series' light in `[start, end)` with its reasons; a series that was not judged then has none, and comes last.

    `red` and `amber` are the marked intervals, merged, the latest 500. Where any is red, `last_good` is the last row
    that lies in none, `owner` who owns the feed and `message` what to send. Values and evidence of a feed whose rows
    may not leave are left out.
    """

    series: str
    place: str
    place_name: str
    quantity: str
    facet: str
    title: dict[str, str]
    light: str | None
    red_share: float | None
    start: datetime | None
    end: datetime | None
    red: list[tuple[datetime, datetime]]
    amber: list[tuple[datetime, datetime]]
    reasons: list[MarkOut]
    last_good: RowOut | None
    owner: str | None
    message: MessageOut | None


@get("/feeds/{feed_id:str}/trust", tags=["feeds"], sync_to_thread=True)
def read_trust(
    node: NamedDependency[Node],
    feed_id: FromPath[str],
    start: TimeText = None,
    end: TimeText = None,
    as_known_at: TimeText = None,
    whole: Annotated[bool, QueryParameter(description="All that is held of each series is the window.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[SeriesTrustOut]:
    """The light of each of the feed's series with its reasons, worst first.

    Without `start` and `end` it is that of the newest value: from its start to now, or to the newest of an ended
    feed. With one of them the other is the series' first start, or
    where its newest value's light ends; with `whole` it is both. `as_known_at` brings what was said then.
    """
    feed = node.archive.get_feed(feed_id)
    begin, stop = read_span(start, end)
    at = read_time(as_known_at, "as_known_at")
    if whole and (begin or stop):
        raise refuse_parameter("whole", "true", "start and end name another window than the whole of each series")
    node.trust.catch_up_if_stopped([feed.id])
    with node.archive.engine.connect() as connection:
        series = list_series(connection, feed=feed_id, limit=MOST_SERIES)
        if begin is None and stop is None and not whole:
            found = read_now(connection, series, at)
        else:
            covered = node.coverage.read_some([one.number for one in series])
            found = read_windows(connection, series, {n: begin or row["first"] for n, row in covered.items()}, stop, at)
        ordered = sorted(series, key=lambda one: _order(one, found.get(one.number)))
        after = read_cursor(cursor, int) or 0
        page = ordered[after : after + limit]
        items = [_show(node, connection, feed, one, found.get(one.number), at) for one in page]
    return Page(items, write_cursor(after + limit) if after + limit < len(ordered) else None)


def _order(one: StoredSeries, trust: Trust | None) -> tuple[int, float, int]:
    rank, share = (len(Light), 0.0) if trust is None else trust.rank
    return rank, share, one.number


def _show(
    node: Node, connection: Connection, feed: Feed, one: StoredSeries, trust: Trust | None, at: datetime | None
) -> SeriesTrustOut:
    title, leaves = show_title(one), may_leave(feed, Leaving.ROWS)
    marks = [] if trust is None else show_marks(trust, one)
    good, message = None, None
    if trust is not None and trust.light is Light.RED:
        row = trust.last_good or find_last_good_row(node.archive, connection, one, trust.end, at)
        good = row if leaves or row is None else {**row, "value": None}
        reasons = [mark.reason for mark in trust.marks if mark.light == Light.RED]
        quantity, city = get_quantity(one.quantity), node.archive.city.name["en"]
        message = show_message(write_about_series(feed, city, title, quantity, reasons, good))
    return SeriesTrustOut(
        series=one.id,
        place=one.place,
        place_name=one.place_name,
        quantity=one.quantity,
        facet=one.facet,
        title=title,
        light=None if trust is None else trust.light.value,
        red_share=None if trust is None else trust.red_share,
        start=None if trust is None else trust.start,
        end=None if trust is None else trust.end,
        red=[] if trust is None else show_spans(trust.red),
        amber=[] if trust is None else show_spans(trust.amber),
        reasons=marks if leaves else [msgspec.structs.replace(mark, evidence={}) for mark in marks],
        last_good=None if good is None else _show_row(good),
        owner=None if message is None else feed.owner,
        message=message,
    )


def _show_row(row: dict[str, Any]) -> RowOut:
    return RowOut(parse_time(row["start"]), parse_time(row["end"]), row["value"])
