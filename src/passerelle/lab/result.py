"""What a method of the lab answers with: an effect, how sure it is, and what was done to refute it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.model.errors import InvalidValueError


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


Name = str | tuple[str, ...]
"""What a sentence names: one thing, or several."""


@dataclass(frozen=True, slots=True)
class Check:
    """One attempt to refute a result: `passed` means it could have refuted the result and did not.

    `reason` is the code of the sentence that explains the outcome, `numbers` and `names` (of units, changes,
    quantities) what stands in it; the words, in each language, are the caller's.
    """

    name: str
    outcome: Outcome
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, Name] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float | Name]:
        """Numbers and names together, for the sentence."""
        return {**self.numbers, **self.names}


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The mean of the treated units at each time, and what it would have been without the change.

    `low` and `high` bound the latter at the result's level, at each time by itself; NaN where no bound is known.
    """

    times: Floats
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Event:
    """The effect `since` times after the change began (before it where negative), with its interval.

    All effects of the study lie in their `band` at once with probability `level`, where it was computed.
    """

    since: float
    effect: float
    se: float
    interval: tuple[float, float]
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The effect on a part of what was treated, or another mean of the same effects; `at` are the times that name it.

    `kind` is `simple`, `group`, `dynamic`, `calendar` or `group_time`; without `at` it is the mean over its kind.
    """

    kind: str
    at: tuple[float, ...]
    effect: float
    se: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """An effect with its interval, on the scale of the arrays that were given.

    `interval` covers the effect with probability `level`, and is infinite where `inference` (the code of how it was
    made) can't bound it with so few units; `p_value` is two-sided, of no effect, and `smallest_p` the smallest
    that this inference could have given. `n_units` counts the units compared, `n_treated` those of them that had the
    change, `n_times` the times they were seen at; `assumptions` are codes of what must hold for the effect
    to be the change's. `weights` say which units the treated were compared with, where a method weighs them.
    """

    effect: float
    se: float
    interval: tuple[float, float]
    level: float
    p_value: float
    n_units: int
    n_times: int
    method: str
    assumptions: tuple[str, ...]
    inference: str
    n_treated: int = 1
    smallest_p: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    path: Path | None = None
    events: tuple[Event, ...] = ()
    parts: tuple[Part, ...] = ()
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        low, high = self.interval
        if not (math.isfinite(self.effect) and low <= self.effect <= high):
            raise InvalidValueError(f"effect {self.effect} lies outside its interval {self.interval}", where="interval")
        if np.isnan(self.p_value) or not 0 <= self.p_value <= 1:
            raise InvalidValueError(f"p value is {self.p_value}; it must lie between 0 and 1", where="p_value")
        if not 0 < self.level < 1:
            raise InvalidValueError(f"level is {self.level}; it must lie between 0 and 1", where="level")

    def moved(self, by: float) -> Result:
        """The result where `by` was added to the outcomes that had the change: every method's effect and interval move.

        What belongs to single times stays as it was, and the p value says no more than the interval does: on which
        side of the level it lies.
        """
        low, high = self.interval[0] + by, self.interval[1] + by
        p_value = 1.0 if low <= 0 <= high else min(self.smallest_p, 1 - self.level)
        return replace(self, effect=self.effect + by, interval=(low, high), p_value=p_value)

    def with_checks(self, *checks: Check) -> Result:
        """The same result after `checks` were run on it."""
        return replace(self, checks=(*self.checks, *checks))

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that refuted the result."""
        return tuple(check.name for check in self.checks if check.outcome is Outcome.FAILED)
