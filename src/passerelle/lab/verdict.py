"""The rule that turns a result into a verdict.

1. A failed check blocks: `cannot_tell_yet`, `blocked_by` the checks' names.
2. The interval lies inside ± the smallest effect of interest: `no_effect_shown`. This comes before 3, since
   an effect too small to matter is none, however sure.
3. The interval excludes zero: `worked` or `harmed` where a direction was wanted, else `rose` or `fell`.
4. All else: `cannot_tell_yet`, `blocked_by` `interval_too_wide`, with the times that would settle it.

Power after the fact is never used: only the interval decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from passerelle.lab.result import Result


class Verdict(StrEnum):
    """The answer to "did it work?"."""

    WORKED = "worked"
    HARMED = "harmed"
    ROSE = "rose"
    FELL = "fell"
    NO_EFFECT_SHOWN = "no_effect_shown"
    CANNOT_TELL_YET = "cannot_tell_yet"


class Wanted(StrEnum):
    """The direction a study declared it wanted the outcome to move in."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


INTERVAL_TOO_WIDE = "interval_too_wide"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; what blocked it; and how many times in all, half on each side, would likely settle it (or None)."""

    verdict: Verdict
    blocked_by: tuple[str, ...] = ()
    times_needed: int | None = None


def judge(result: Result, wanted: Wanted, smallest: tuple[float, float] | None) -> Judgement:
    """The verdict on `result`, where effects between the two of `smallest`, on its scale, are too small to matter.

    Without `smallest` no effect is too small, and "no effect shown" can't be said.
    """
    if result.failed:
        return Judgement(Verdict.CANNOT_TELL_YET, result.failed)
    low, high = result.interval
    if smallest is not None and smallest[0] < low and high < smallest[1]:
        return Judgement(Verdict.NO_EFFECT_SHOWN)
    if low <= 0 <= high:
        return Judgement(Verdict.CANNOT_TELL_YET, (INTERVAL_TOO_WIDE,), _times_needed(result, smallest))
    rose = low > 0
    if wanted is Wanted.NEITHER:
        return Judgement(Verdict.ROSE if rose else Verdict.FELL)
    return Judgement(Verdict.WORKED if rose == (wanted is Wanted.UP) else Verdict.HARMED)


def _times_needed(result: Result, smallest: tuple[float, float] | None) -> int | None:
    """Times for the interval, shrinking with their square root, to leave zero or fit between the smallest effects."""
    half_width = (result.interval[1] - result.interval[0]) / 2
    within = 0.0 if smallest is None else min(smallest[1] - result.effect, result.effect - smallest[0])
    room = max(abs(result.effect), within)
    return math.ceil(result.n_times * (half_width / room) ** 2) if room > 0 and math.isfinite(half_width) else None
