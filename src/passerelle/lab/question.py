"""What is asked of a panel: declared before the answer is seen, and all that a method may depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError

AUTO = "auto"
"""The method that follows from the design."""


class Assignment(StrEnum):
    """How it came that some units and times had the change and others not."""

    OBSERVED = "observed"
    """Nobody drew lots."""
    CLUSTERS = "clusters"
    """Lots were drawn among clusters of units, once."""
    SWITCHBACK = "switchback"
    """Lots were drawn among periods: units have the change and lose it again."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How lots were drawn among periods: each `length` times long, counted from the panel's first time.

    The first `carry_over` times of each still feel the period before, and are left out. `paired`: of each two
    periods one was drawn; else a number of all of them.
    """

    length: int = 1
    carry_over: int = 0
    paired: bool = False

    def __post_init__(self) -> None:
        if self.length < 1:
            raise InvalidValueError(f"a period is {self.length} times long; 1 or more is needed", where="period")
        if not 0 <= self.carry_over < self.length:
            raise InvalidValueError(
                f"{self.carry_over} of the {self.length} times of a period carry over; fewer must", where="carry_over"
            )


@dataclass(frozen=True, slots=True)
class Question:
    """How a panel is to be judged.

    Effects between `smallest[0]` and `smallest[1]`, on the outcome's scale, are too small to matter; with None nothing
    is, and no verdict can say that there is no effect. `anticipation` is for how many times before the change
    units may have reacted already; `seasons` are the lengths, in times, after which the outcome repeats itself;
    `periods` are those of a switchback.
    """

    wanted: Wanted = Wanted.NEITHER
    smallest: tuple[float, float] | None = None
    level: float = 0.95
    method: str = AUTO
    assignment: Assignment = Assignment.OBSERVED
    anticipation: int = 0
    seasons: tuple[float, ...] = ()
    periods: Periods = Periods()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 < self.level < 1:
            raise InvalidValueError(f"level is {self.level}; it must lie between 0.5 and 1", where="level")
        if self.anticipation < 0:
            raise InvalidValueError(
                f"anticipation is {self.anticipation} times; 0 or more is needed", where="anticipation"
            )
        if not all(2 <= season < math.inf for season in self.seasons):
            raise InvalidValueError(
                f"seasons are {', '.join(map(str, self.seasons))} times long; each must be 2 or more", where="seasons"
            )
        if self.seed < 0:
            raise InvalidValueError(f"seed is {self.seed}; 0 or more is needed", where="seed")
        if self.smallest is not None and not -math.inf < self.smallest[0] < 0 < self.smallest[1] < math.inf:
            raise InvalidValueError(
                f"the smallest effects of interest are {self.smallest[0]} and {self.smallest[1]}; "
                "zero must lie between them, and both be finite",
                where="smallest_effect",
            )
