"""The light of a window: what all marks make together, and how much of the window is red.

- **red** where more than a tenth of the window is red: what is left of it is not what was asked for;
- **amber** where any mark overlaps the window; its red intervals are cut out of a study and shown;
- **green** otherwise.

Time that a series has no mark for is green, whether or not the series has values there: what is absent is for
the gaps check to mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passerelle.model.errors import InvalidValueError
from passerelle.trust.check import Light, Mark

BLOCKING_SHARE = 0.1
"""The share of a window that may be red before the window is; the house's choice, of issue 3 and `docs/trust.md`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A mark with the check that made it, on some series by number or on all of the feed where `series` is None."""

    check: str
    mark: Mark
    series: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class WindowLight:
    """The light of `[start, end)`, the share of it that is red, and the marks that overlap it, worst and longest first.

    `red` are the intervals to cut out, merged, ordered and clipped to the window.
    """

    light: Light
    red_share: float
    red: tuple[tuple[datetime, datetime], ...]
    reasons: tuple[Judged, ...]


def light_of(judged: Iterable[Judged], start: datetime, end: datetime) -> WindowLight:
    """The light of `[start, end)` under the marks of one series and of its feed."""
    if not start < end:
        raise InvalidValueError(f"the window from {start} to {end} is empty", where="end")
    inside = [one for one in judged if one.mark.start < end and start < one.mark.end]
    red = merge((max(one.mark.start, start), min(one.mark.end, end)) for one in inside if one.mark.light is Light.RED)
    share = sum((until - since for since, until in red), timedelta()) / (end - start)
    partly = Light.AMBER if inside else Light.GREEN
    light = Light.RED if share > BLOCKING_SHARE else partly
    inside.sort(key=lambda one: (one.mark.light is not Light.RED, one.mark.start - one.mark.end, one.mark.start))
    return WindowLight(light, share, tuple(red), tuple(inside))


def merge(intervals: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The union of the intervals as few ones in order; touching ones become one."""
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def find_last_good(start: Sequence[datetime], red: Sequence[tuple[datetime, datetime]]) -> int | None:
    """The index of the last observation that begins in no red interval, or None; both are in order."""
    remaining = list(red)
    for index in range(len(start) - 1, -1, -1):
        while remaining and remaining[-1][0] > start[index]:
            remaining.pop()
        if not remaining or start[index] >= remaining[-1][1]:
            return index
    return None
