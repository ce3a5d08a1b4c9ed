"""`/api/v1/feeds/{id}/record` and `/marks`: how a feed has fared, and every interval that isn't green."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from sqlalchemy import Connection

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit, check_choice
from passerelle.api.trust import MarkOut, show_mark
from passerelle.api.v1.series import show_title
from passerelle.archive.redistribution import Leaving, may_leave
from passerelle.archive.rows import say_kind
from passerelle.model.series import parse_series_id
from passerelle.registry.asks import find_ask
from passerelle.registry.changes import get_change
from passerelle.registry.findings import list_findings
from passerelle.registry.refused import list_reasons
from passerelle.registry.replies import count_states, measure_replies
from passerelle.registry.series import get_series, list_numbers
from passerelle.registry.trust import StoredMark
from passerelle.registry.trust_record import Marked, count_found, list_found, list_said, measure_marked
from passerelle.trust.check import Light
from passerelle.trust.judge import CHECKS
from passerelle.trust.light import BLOCKING_SHARE

_MOST_SAID = 200
_MOST_PERIODS = 240
_MOST_FINDINGS = 1000
_DAYS = timedelta(days=92)
_LIGHTS = (Light.AMBER.value, Light.RED.value)


class SaidOut(msgspec.Struct, frozen=True):
    """A light that this node said the feed had, since when and until when; `lights` counts its series then."""

    light: str
    since: datetime
    until: datetime | None
    lights: dict[str, int]


class PeriodOut(msgspec.Struct, frozen=True):
    """How much of the series' time in `[start, end)` is marked now, as shares, and the light that makes.

    `series` counts those that have observations around then.
    """

    start: datetime
    end: datetime
    series: int
    red: float
    amber: float
    light: str


class CheckedOut(msgspec.Struct, frozen=True):
    """A check, what it means, and how many intervals of each light it marks now."""

    check: str
    title: dict[str, str]
    meaning: dict[str, str]
    amber: int
    red: int


class RefusalOut(msgspec.Struct, frozen=True):
    """How many rows were refused for one kind of reason."""

    reason: dict[str, str]
    rows: int


class UseOut(msgspec.Struct, frozen=True):
    """A finding that rests on the feed."""

    finding: str
    change: str
    title: dict[str, str]
    verdict: str


class RecordOut(msgspec.Struct, frozen=True):
    """How a feed has fared.

    `said` are the lights this node gave it, newest first; `periods` what is held of it, by day, month or year of the
    city and by what is said now. `replies` counts them by state; `measured_seconds` is the median time from one to the
    next, null where fewer than three came or nobody asks for them.
    """

    said: list[SaidOut]
    periods: list[PeriodOut]
    checks: list[CheckedOut]
    replies: dict[str, int]
    measured_seconds: float | None
    refused: list[RefusalOut]
    findings: list[UseOut]


class FoundOut(msgspec.Struct, frozen=True):
    """A mark, and what the series it is on is called; null where it is on all of the feed."""

    mark: MarkOut
    title: dict[str, str] | None


@get("/feeds/{feed_id:str}/record", tags=["feeds"], sync_to_thread=True)
def read_record(node: NamedDependency[Node], feed_id: FromPath[str]) -> RecordOut:
    """The feed's lights so far, what its checks find, its replies and refused rows in numbers, and what rests on it."""
    feed = node.archive.get_feed(feed_id)
    node.trust.catch_up_if_stopped([feed.id])
    with node.archive.engine.connect() as connection:
        said = list_said(connection, feed.id, _MOST_SAID)
        numbers = list_numbers(connection, feed=feed.id)
        asked = feed.id in node.replays or find_ask(connection, feed.id) is not None
        refused = list_reasons(connection, feed=feed.id)
        return RecordOut(
            said=[
                SaidOut(one.light, one.said, one.unsaid, {light.value: one.detail[light.value] for light in Light})
                for one in said
            ],
            periods=_list_periods(node, connection, feed.id, numbers) if said else [],
            checks=_list_checks(connection, feed.id),
            replies=count_states(connection, feed.id),
            measured_seconds=measure_replies(connection, feed.id) if asked else None,
            refused=[RefusalOut(say_kind(kind), rows) for kind, rows in refused.items()],
            findings=_list_uses(connection, set(numbers)),
        )


@get("/feeds/{feed_id:str}/marks", tags=["feeds"], sync_to_thread=True)
def list_marks(
    node: NamedDependency[Node],
    feed_id: FromPath[str],
    check: Annotated[str | None, QueryParameter(schema_extra={"enum": [one.name for one in CHECKS]})] = None,
    light: Annotated[str | None, QueryParameter(schema_extra={"enum": list(_LIGHTS)})] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[FoundOut]:
    """Every interval of the feed and its series that isn't green by what is said now, those that begin latest first.

    Evidence of a feed whose rows may not leave is left out.
    """
    feed = node.archive.get_feed(feed_id)
    if check is not None:
        check_choice("check", check, [one.name for one in CHECKS])
    if light is not None:
        check_choice("light", light, _LIGHTS)
    node.trust.catch_up_if_stopped([feed.id])
    after = read_cursor(cursor, tuple[datetime, int])
    leaves = may_leave(feed, Leaving.ROWS)
    with node.archive.engine.connect() as connection:
        found = list_found(connection, feed.id, check=check, light=light, limit=limit + 1, after=after)
        page, following = cut_page(found, limit, lambda mark: (mark.start, mark.id))
        return Page([_show_found(connection, mark, leaves=leaves) for mark in page], following)


def _show_found(connection: Connection, mark: StoredMark, *, leaves: bool) -> FoundOut:
    series = None if mark.series is None else get_series(connection, mark.series)
    shown = show_mark(mark, series)
    return FoundOut(
        shown if leaves else msgspec.structs.replace(shown, evidence={}), None if series is None else show_title(series)
    )


def _list_checks(connection: Connection, feed: str) -> list[CheckedOut]:
    found = {one.check: one for one in count_found(connection, feed)}
    return [
        CheckedOut(check.name, dict(check.title), dict(check.meaning), found[check.name].amber, found[check.name].red)
        for check in CHECKS
        if check.name in found
    ]


def _list_uses(connection: Connection, numbers: set[int]) -> list[UseOut]:
    """Findings with a series of these, newest first; of a change that was judged again the newest only."""
    uses: dict[str, UseOut] = {}
    for finding in list_findings(connection, limit=_MOST_FINDINGS):
        if finding["change"] not in uses and any(parse_series_id(row["series"]) in numbers for row in finding["data"]):
            title = get_change(connection, finding["change"])["title"]
            uses[finding["change"]] = UseOut(finding["id"], finding["change"], dict(title), finding["verdict"])
    return list(uses.values())


def _list_periods(node: Node, connection: Connection, feed: str, numbers: list[int]) -> list[PeriodOut]:
    covered = node.coverage.read_all().filter(pl.col("series").is_in(numbers))
    if not covered.height:
        return []
    first, last = covered.select(pl.col("first").min(), pl.col("last").max()).row(0)
    spans = list(pairwise(_edges(first, last, node.archive.city.time_zone)))
    marked = measure_marked(connection, feed, spans, node.archive.clock.read())
    return [_show_period(covered, span, found) for span, found in zip(spans, marked, strict=True)]


def _edges(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Where days, months or years of `zone` begin, the first no later than `first`, the last one after `last`."""
    step = "1d" if last - first <= _DAYS else "1mo" if last - first <= _MOST_PERIODS * timedelta(days=30) else "1y"
    local = pl.Series([first, last]).dt.convert_time_zone(zone.key).dt.truncate(step)
    edges = pl.datetime_range(local[0], local.dt.offset_by(step)[1], step, time_zone=zone.key, eager=True)
    yield from edges.dt.convert_time_zone("UTC").to_list()


def _show_period(covered: pl.DataFrame, span: tuple[datetime, datetime], marked: Marked) -> PeriodOut:
    start, end = span
    series = covered.filter((pl.col("first") < end) & (pl.col("last") >= start)).height
    # A mark on all of the feed covers each of its series.
    whole = (end - start) / timedelta(microseconds=1)
    shares = {
        name: min(one / (whole * max(series, 1)) + every / whole, 1.0)
        for name, one, every in (("red", marked.red, marked.all_red), ("amber", marked.amber, marked.all_amber))
    }
    partly = Light.AMBER if any(shares.values()) else Light.GREEN
    return PeriodOut(
        start, end, series, **shares, light=(Light.RED if shares["red"] > BLOCKING_SHARE else partly).value
    )
