"""What a check is given: a result with the panel, question and context it came from, and the way to it again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from passerelle.lab.context import Context
from passerelle.lab.inference.aligned import Aligned, align
from passerelle.lab.methods import Estimate
from passerelle.lab.panel import Flags, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.weights.refit import Refit
from passerelle.lab.weights.synthetic import ChooseContrast, read_setting
from passerelle.model.errors import StudyError

CHANCE = 0.01
"""How often each check that looks at outcomes may fail by chance alone; `docs/lab.md` has what they do together."""


class Claim(StrEnum):
    """What a result says, if no check refutes it."""

    EFFECT = "effect"
    NO_EFFECT = "no_effect"
    NOTHING = "nothing"


@dataclass(frozen=True, eq=False)
class Case:
    """One result to refute. `estimate` is the method that made it, to be asked again of other units and times.

    `compares` says that the method looks at units without the change; `contrast` is how it weighs them, where it does.
    """

    panel: Panel
    question: Question
    context: Context
    result: Result
    estimate: Estimate
    compares: bool = True
    contrast: ChooseContrast | None = None

    @cached_property
    def claim(self) -> Claim:
        """Whether the interval excludes zero, lies inside the smallest effect of interest, or neither."""
        low, high = self.result.interval
        smallest = self.question.smallest
        if smallest is not None and smallest[0] < low and high < smallest[1]:
            return Claim.NO_EFFECT
        return Claim.NOTHING if low <= 0 <= high else Claim.EFFECT

    @cached_property
    def aligned(self) -> Aligned | None:
        """The panel by times since the change; None where the method compares with nobody."""
        return None if not self.compares else align(self.panel, self.question.anticipation)

    @cached_property
    def refit(self) -> Refit | None:
        """The weighed comparison, to be made again; None where the method doesn't weigh units."""
        if self.contrast is None:
            return None
        setting = read_setting(self.panel, self.question, self.result.method)
        return Refit(setting, self.contrast(self.panel, setting))

    def survives(self, result: Result | None) -> bool:
        """Whether another estimate makes the same claim: for an effect, its interval excludes zero the same way."""
        if result is None:
            return False
        if self.claim is Claim.EFFECT:
            low, high = result.interval
            return bool(low > 0) if self.result.effect > 0 else bool(high < 0)
        return Case(self.panel, self.question, self.context, result, self.estimate).claim is self.claim

    def again(self, rows: Flags, columns: Flags | None = None) -> Result | None:
        """The result on some units and times only; None where the method can't be asked of so few."""
        kept = self.panel.select(rows, np.ones(len(self.panel.times), dtype=bool) if columns is None else columns)
        return self.ask(kept) if kept.treated.any() else None

    def ask(self, panel: Panel) -> Result | None:
        """The method's result on another panel; None where it can't say anything of it."""
        try:
            return self.estimate(panel, self.question)
        except StudyError:
            return None


def not_claimed(name: str, reason: str = "no_effect_claimed") -> Check:
    """The answer of a check that refutes effects, where none is claimed."""
    return Check(name, Outcome.NOT_APPLICABLE, reason)
