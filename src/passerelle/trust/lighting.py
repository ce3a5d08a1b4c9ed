"""The light of newest values: of each series from its marks, and of a feed from its series.

A series is lit from the start of its newest observation to now, or to the newest observation of its feed where
nothing more is expected. A feed is **red** where more than a tenth of its series are; **amber** where any series is
red, or more than a tenth aren't green; **green** otherwise. One without series has no light.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed
from passerelle.model.interval import format_time
from passerelle.model.series import format_series_id
from passerelle.registry.database import writing
from passerelle.registry.trust import StoredLight, StoredMark, list_lights, list_marks, replace_lights
from passerelle.trust.check import Light, Mark
from passerelle.trust.light import BLOCKING_SHARE, Judged, find_last_good, light_of, merge
from passerelle.trust.records import Horizon, Integers, Read
from passerelle.trust.words import to_time

TOLD = 20
"""Series that an event names; how many changed in all stands beside them."""

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Newest:
    """A series' observations, as much as its light needs: their times and values in order."""

    number: int
    start: Integers
    end: Integers
    value: Any

    @classmethod
    def of(cls, read: Read) -> Self:
        """The observations of a series that was read."""
        return cls(read.series.number, read.record.start, read.record.end, read.record.value)


def restore(mark: StoredMark, at: datetime) -> Judged:
    """The mark as it stood `at` a time: one that goes on reaches to then."""
    end = max(at, mark.start + _INSTANT) if mark.ongoing else mark.end
    series = None if mark.series is None else (mark.series,)
    return Judged(mark.check, Mark(mark.start, end, Light(mark.light), mark.reason, mark.evidence), series)


def keep_lights(archive: Archive, feed: Feed, horizon: Horizon, newest: Sequence[Newest], now: datetime) -> int:
    """How many of these series have another light than before; the feed's follows from all of its series'."""
    numbers = [one.number for one in newest]
    with writing(archive.engine) as connection:
        marks: dict[int | None, list[Judged]] = {}
        found = [
            *list_marks(connection, feed=feed.id, series=numbers),
            *list_marks(connection, feed=feed.id, series=[]),
        ]
        for mark in found:
            marks.setdefault(mark.series, []).append(restore(mark, horizon.now))
        common = marks.get(None, [])
        lights = [
            _light(feed, horizon, one, [*marks.get(one.number, []), *common], now) for one in newest if len(one.start)
        ]
        held = {light.series: light for light in list_lights(connection, feed=feed.id, series=numbers)}
        changed = replace_lights(connection, held, lights, now)
        every = list_lights(connection, feed=feed.id)
        before = {light.series: light for light in list_lights(connection, feed=feed.id, of_feeds=True)}
        of_all = [_light_feed(feed, horizon, every, now)] if every else []
        feeds = replace_lights(connection, before, of_all, now)
        told = []
        if feeds or changed:
            document = _tell(feeds, changed, every)
            told.append(archive.events.put(connection, "trust", document, feed.id))
    archive.events.tell(*told)
    return len(changed)


def _light(feed: Feed, horizon: Horizon, one: Newest, judged: Sequence[Judged], now: datetime) -> StoredLight:
    start = to_time(one.start[-1])
    end = max(horizon.now, to_time(one.end[-1])) if not horizon.followed else max(horizon.now, start + _INSTANT)
    window = light_of(judged, start, end)
    return StoredLight(
        feed=feed.id,
        series=one.number,
        light=window.light.value,
        red_share=window.red_share,
        start=start,
        end=end,
        detail={"last_good": _find_last_good(one, judged)},
        said=now,
    )


def _find_last_good(one: Newest, judged: Sequence[Judged]) -> dict[str, Any] | None:
    red = merge((each.mark.start, each.mark.end) for each in judged if each.mark.light is Light.RED)
    # Nearly always it is one of the last few.
    for kept in (len(red) + 8, len(one.start)):
        at = find_last_good([to_time(start) for start in one.start[-kept:]], red)
        if at is not None:
            index = max(len(one.start) - kept, 0) + at
            return {
                "start": format_time(to_time(one.start[index])),
                "end": format_time(to_time(one.end[index])),
                "value": float(one.value[index]),
            }
    return None


def weigh(counted: Mapping[str, int]) -> Light:
    """The light that so many series of each light make together; of none it is green."""
    red, amber, green = (counted.get(light.value, 0) for light in (Light.RED, Light.AMBER, Light.GREEN))
    every = max(red + amber + green, 1)
    if red / every > BLOCKING_SHARE:
        return Light.RED
    return Light.AMBER if red or (red + amber) / every > BLOCKING_SHARE else Light.GREEN


def _light_feed(feed: Feed, horizon: Horizon, every: Sequence[StoredLight], now: datetime) -> StoredLight:
    counted = Counter(light.light for light in every)
    return StoredLight(
        feed=feed.id,
        series=None,
        light=weigh(counted).value,
        red_share=counted[Light.RED.value] / len(every),
        start=min(one.start for one in every),
        end=horizon.now,
        detail={one.value: counted[one.value] for one in Light},
        said=now,
    )


def _tell(
    feeds: Sequence[tuple[StoredLight | None, StoredLight]],
    changed: Sequence[tuple[StoredLight | None, StoredLight]],
    every: Sequence[StoredLight],
) -> Mapping[str, Any]:
    def show(before: StoredLight | None, light: StoredLight) -> dict[str, Any]:
        return {"light": light.light, "was": None if before is None else before.light}

    feed = [show(*one) for one in feeds]
    return {
        "feed": feed[0] if feed else None,
        "series": [
            {"series": format_series_id(light.series or 0), **show(before, light)} for before, light in changed[:TOLD]
        ],
        "changed": len(changed),
        "lights": dict(Counter(light.light for light in every)),
    }
