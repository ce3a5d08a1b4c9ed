"""What is known of a series' trust: the light of its newest value or of a window, now or as it was said at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.lake.contract import Selection
from passerelle.model.interval import format_time
from passerelle.registry.series import StoredSeries
from passerelle.registry.trust import StoredLight, StoredMark, list_lights, list_marks
from passerelle.trust.check import Light
from passerelle.trust.light import find_last_good, light_of, merge
from passerelle.trust.lighting import restore

Span = tuple[datetime, datetime]

_STEPS = (timedelta(days=2), timedelta(days=60), timedelta(days=1500), None)
"""How far to look back for a good row; the last step is all there is."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The light of `[start, end)` of a series; its marks are ordered worst and longest first.

    `red` and `amber` are what is marked of the window, merged; `last_good` is known for the newest value only, and
    else found by `find_last_good_row`.
    """

    light: Light
    red_share: float
    start: datetime
    end: datetime
    red: tuple[Span, ...]
    amber: tuple[Span, ...]
    marks: tuple[StoredMark, ...]
    last_good: dict[str, Any] | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts the worst first."""
        return list(Light)[::-1].index(self.light), -self.red_share


def read_now(connection: Connection, series: Sequence[StoredSeries], at: datetime | None = None) -> dict[int, Trust]:
    """The trust of each series' newest value, now or as it was said `at` a time; series not judged are left out."""
    if not series:
        return {}
    lights = {light.series: light for light in list_lights(connection, series=[one.number for one in series], at=at)}
    if not lights:
        return {}
    # A green newest value has no mark. Of the others some lie years back, and all marks since then are read.
    marked = {number for number, light in lights.items() if light.light != Light.GREEN}
    since = min((lights[number].start for number in marked), default=None)
    marks = _list_marks(connection, [one for one in series if one.number in marked], at, since, None)
    return {
        one.number: _with_light(lights[one.number], marks(one) if one.number in marked else [], at)
        for one in series
        if one.number in lights
    }


def read_windows(
    connection: Connection,
    series: Sequence[StoredSeries],
    starts: Mapping[int, datetime],
    end: datetime | None,
    at: datetime | None = None,
) -> dict[int, Trust]:
    """The trust of each series from its start in `starts` to `end`, under the marks said now or `at` a time.

    Without `end` it is until where the series was judged: about now, or the newest observation of an ended feed. Series
    that were not judged then are left out, and so are those that start later.
    """
    lights = list_lights(connection, series=[one.number for one in series], at=at)
    ends = {light.series: light.end for light in lights if light.series is not None}
    windows = {number: (starts[number], end or last) for number, last in ends.items() if number in starts}
    windows = {number: window for number, window in windows.items() if window[0] < window[1]}
    if not windows:
        return {}
    first, last = min(start for start, _ in windows.values()), max(stop for _, stop in windows.values())
    marks = _list_marks(connection, series, at, first, last)
    until = at or datetime.now(UTC)
    return {one.number: _make(marks(one), *windows[one.number], until) for one in series if one.number in windows}


def find_last_good_row(
    archive: Archive, connection: Connection, one: StoredSeries, end: datetime, at: datetime | None = None
) -> dict[str, Any] | None:
    """`start`, `end` and `value` of the last observation that begins before `end` and in no red interval."""
    until = at or datetime.now(UTC)
    marks = _list_marks(connection, [one], at, None, end)(one)
    red = merge(_span(mark, until) for mark in marks if mark.light == Light.RED)
    for step in _STEPS:
        start = None if step is None else end - step
        rows = archive.lake.read(Selection([one.number], start, end, at)).select(["start", "end", "value"])
        index = find_last_good(rows["start"].to_pylist(), red)
        if index is not None:
            row = rows.slice(index, 1).to_pylist()[0]
            return {"start": format_time(row["start"]), "end": format_time(row["end"]), "value": row["value"]}
    return None


def _list_marks(
    connection: Connection,
    series: Sequence[StoredSeries],
    at: datetime | None,
    start: datetime | None,
    end: datetime | None,
) -> Callable[[StoredSeries], list[StoredMark]]:
    """A function that gives a series' marks and those on all of its feed."""
    by_series: dict[int | None, list[StoredMark]] = {}
    by_feed: dict[str, list[StoredMark]] = {}
    for mark in list_marks(connection, series=[one.number for one in series], at=at, start=start, end=end):
        by_series.setdefault(mark.series, []).append(mark)
    for feed in {one.feed for one in series}:
        by_feed[feed] = list_marks(connection, feed=feed, series=[], at=at, start=start, end=end)
    return lambda one: [*by_series.get(one.number, []), *by_feed[one.feed]]


def _with_light(light: StoredLight, marks: Sequence[StoredMark], at: datetime | None) -> Trust:
    found = _make(marks, light.start, light.end, at or light.end)
    # What was said stands, whatever the marks make together by today's rule.
    return replace(found, light=Light(light.light), red_share=light.red_share, last_good=light.detail.get("last_good"))


def _make(marks: Sequence[StoredMark], start: datetime, end: datetime, until: datetime) -> Trust:
    restored = [restore(mark, until) for mark in marks]
    of = {id(one): mark for one, mark in zip(restored, marks, strict=True)}
    window = light_of(restored, start, end)
    shown = [replace(of[id(one)], end=one.mark.end) for one in window.reasons]
    amber = merge((max(one.start, start), min(one.end, end)) for one in shown if one.light == Light.AMBER)
    return Trust(window.light, window.red_share, start, end, window.red, tuple(amber), tuple(shown))


def _span(mark: StoredMark, until: datetime) -> Span:
    restored = restore(mark, until).mark
    return restored.start, restored.end
