"""The light of a series or feed as answers hold it, in the words of `docs/trust.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from passerelle.api.node import Node
from passerelle.feeds.feed import Feed
from passerelle.model.interval import parse_time
from passerelle.model.series import parse_series_id
from passerelle.registry.series import StoredSeries, get_series
from passerelle.registry.trust import StoredLight, StoredMark, list_grounds, list_judged, list_lights
from passerelle.trust.check import Light
from passerelle.trust.judge import CHECKS
from passerelle.trust.light import BLOCKING_SHARE
from passerelle.trust.message import Message, write_about_feed
from passerelle.trust.reading import Trust, read_windows

_TITLES = {check.name: dict(check.title) for check in CHECKS}
_MOST_MARKS = 100
_MOST_SPANS = 500


class TrustOut(msgspec.Struct, frozen=True):
    """The light of `[start, end)`, how much of it is red, and the first reason where it isn't green."""

    light: str
    red_share: float
    start: datetime
    end: datetime
    reason: dict[str, str] | None


class MarkOut(msgspec.Struct, frozen=True):
    """What a check found in `[start, end)`: in words, with what a person can open to see it.

    `series` is null for what is so of all of the feed; `said_since` is when this node first said so.
    """

    check: str
    title: dict[str, str]
    light: str
    start: datetime
    end: datetime
    reason: dict[str, str]
    evidence: dict[str, Any]
    series: str | None
    said_since: datetime


class RowOut(msgspec.Struct, frozen=True):
    """An observation, as `last_good` shows the last that lies in no red interval."""

    start: datetime
    end: datetime
    value: float | None


class MessageOut(msgspec.Struct, frozen=True):
    """What to send to whoever owns a feed, in each language."""

    subject: dict[str, str]
    body: dict[str, str]


class GroundOut(msgspec.Struct, frozen=True):
    """A reason for a feed's light, one of its kind, and how many series it is so for; null for all of the feed."""

    check: str
    title: dict[str, str]
    light: str
    reason: dict[str, str]
    series: int | None


class StudyTrustOut(msgspec.Struct, frozen=True):
    """The light of the series that a finding used in its windows, how much of that is red, and the first reason."""

    light: str
    red_share: float
    reason: dict[str, str] | None


class FeedTrustOut(msgspec.Struct, frozen=True):
    """A feed's light: red where more than a tenth of its series are, amber where any is or a tenth aren't green.

    `since` is when the light became this one, `judged` when all of the feed was last looked at; `lights` counts series
    by light. `last_good` is the latest start of a good row among series that are red; it and `message` are null
    unless any is.
    """

    light: str
    since: datetime
    judged: datetime | None
    lights: dict[str, int]
    reasons: list[GroundOut]
    owner: str
    last_good: datetime | None
    message: MessageOut | None


def show_trust(trust: Trust | None) -> TrustOut | None:
    """The short form, null where the series has not been judged yet."""
    if trust is None:
        return None
    reason = dict(trust.marks[0].reason) if trust.marks else None
    return TrustOut(trust.light.value, trust.red_share, trust.start, trust.end, reason)


def show_mark(mark: StoredMark, series: StoredSeries | None) -> MarkOut:
    """A mark with the words of its check; `series` is the one it is on, if it is on one."""
    return MarkOut(
        check=mark.check,
        title=_TITLES.get(mark.check, {"en": mark.check, "fr": mark.check}),
        light=mark.light,
        start=mark.start,
        end=mark.end,
        reason=dict(mark.reason),
        evidence=dict(mark.evidence),
        series=None if mark.series is None or series is None else series.id,
        said_since=mark.said,
    )


def show_marks(trust: Trust, series: StoredSeries) -> list[MarkOut]:
    """The marks of a window, worst and longest first, at most a hundred."""
    return [show_mark(mark, series) for mark in trust.marks[:_MOST_MARKS]]


def show_spans(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Marked intervals, in order; the latest of them where there are very many."""
    return list(spans)[-_MOST_SPANS:]


def show_message(message: Message) -> MessageOut:
    """A message in both languages."""
    return MessageOut(dict(message.subject), dict(message.body))


def read_feed_trust(node: Node, connection: Connection, feeds: Sequence[Feed]) -> dict[str, FeedTrustOut]:
    """The lights of those of `feeds` that were judged, by feed."""
    lights = {light.feed: light for light in list_lights(connection, of_feeds=True)}
    judged = list_judged(connection)
    return {
        feed.id: _show_feed(
            node, connection, feed, lights[feed.id], judged[feed.id].judged if feed.id in judged else None
        )
        for feed in feeds
        if feed.id in lights
    }


def read_study_trust(connection: Connection, finding: Mapping[str, Any] | None) -> StudyTrustOut | None:
    """The light, by what is said now, of a finding's windows; null without one, or where its series weren't judged."""
    if finding is None:
        return None
    zone = ZoneInfo(finding["time_zone"])
    windows = [_localise(days, zone) for days in finding["chart"]["windows"].values()]
    numbers = [parse_series_id(row["series"]) for row in finding["data"]]
    series = [get_series(connection, number) for number in numbers]
    found = [
        trust
        for start, end in windows
        for trust in read_windows(connection, series, dict.fromkeys(numbers, start), end).values()
    ]
    if not found:
        return None
    # Both windows count by their length, and all series alike.
    lengths = [(trust.end - trust.start).total_seconds() for trust in found]
    share = sum(trust.red_share * length for trust, length in zip(found, lengths, strict=True)) / sum(lengths)
    marked = min(found, key=lambda trust: (not trust.marks, *trust.rank))
    reason = dict(marked.marks[0].reason) if marked.marks else None
    partly = Light.AMBER if marked.marks else Light.GREEN
    return StudyTrustOut((Light.RED if share > BLOCKING_SHARE else partly).value, share, reason)


def _localise(days: Sequence[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    first, last = (datetime.fromisoformat(day).replace(tzinfo=zone) for day in days)
    return first, last + timedelta(days=1)


def _show_feed(
    node: Node, connection: Connection, feed: Feed, light: StoredLight, judged: datetime | None
) -> FeedTrustOut:
    counts = {one.value: int(light.detail[one.value]) for one in Light}
    quiet = not counts[Light.RED] and not counts[Light.AMBER]
    grounds = [] if quiet else list_grounds(connection, feed.id)
    red = counts[Light.RED.value]
    good = _find_last_good(connection, feed) if red else None
    reasons = [ground.reason for ground in grounds if ground.light == Light.RED]
    message = write_about_feed(feed, node.archive.city.name["en"], red, sum(counts.values()), reasons, good)
    return FeedTrustOut(
        light=light.light,
        since=light.said,
        judged=judged,
        lights=counts,
        reasons=[
            GroundOut(one.check, _TITLES.get(one.check, {}), one.light, dict(one.reason), one.series) for one in grounds
        ],
        owner=feed.owner,
        last_good=good,
        message=show_message(message) if red else None,
    )


def _find_last_good(connection: Connection, feed: Feed) -> datetime | None:
    starts = [
        parse_time(light.detail["last_good"]["start"])
        for light in list_lights(connection, feed=feed.id)
        if light.light == Light.RED and light.detail["last_good"] is not None
    ]
    return max(starts, default=None)
