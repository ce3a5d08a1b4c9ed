"""What a method of the lab answers with: an effect, how sure it is, and what was done to refute it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from passerelle.model.errors import InvalidValueError


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One attempt to refute a result: `passed` means it could have refuted the result and did not.

    `reason` is the code of the sentence that explains the outcome and `numbers` what stands in it;
    the words, in each language, are the caller's.
    """

    name: str
    outcome: Outcome
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """An effect with its interval, on the scale of the arrays that were given.

    `interval` covers the effect with probability `level`; `p_value` is two-sided, of no effect;
    `n_units` counts the groups compared and `n_times` the times they were seen at; `assumptions`
    are codes of what must hold for the effect to be the change's.
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
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        low, high = self.interval
        if not (math.isfinite(self.effect) and low <= self.effect <= high):
            raise InvalidValueError(f"effect {self.effect} lies outside its interval {self.interval}", where="interval")
        if not 0 < self.level < 1:
            raise InvalidValueError(f"level is {self.level}; it must lie between 0 and 1", where="level")

    def with_checks(self, *checks: Check) -> Result:
        """The same result after `checks` were run on it."""
        return replace(self, checks=(*self.checks, *checks))

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that refuted the result."""
        return tuple(check.name for check in self.checks if check.outcome is Outcome.FAILED)
