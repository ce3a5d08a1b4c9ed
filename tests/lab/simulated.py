"""Simulated cities for the lab's tests: synthetic, each number drawn here."""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case
from passerelle.lab.context import Context
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.result import Check


def draw(
    seed: int | np.random.Generator,
    treated: int = 10,
    comparison: int = 24,
    before: int = 24,
    after: int = 12,
    *,
    effect: float = 0.0,
    correlation: float = 0.3,
) -> Panel:
    """Places with levels of their own, shocks shared by all, and noise of variance 1 that resembles the time before.

    The first `treated` have the change after `before` times, and `effect` from then on.
    """
    generator = np.random.default_rng(seed)
    count, times = treated + comparison, before + after
    noise = generator.normal(size=(count, times))
    for at in range(1, times):
        noise[:, at] = correlation * noise[:, at - 1] + np.sqrt(1 - correlation**2) * noise[:, at]
    outcomes = noise + 5 * generator.normal(size=(count, 1)) + 3 * generator.normal(size=times)
    outcomes[:treated, before:] += effect
    return of(outcomes, treated, before)


def of(outcomes: Floats, treated: int, before: int) -> Panel:
    """The outcomes as a panel whose first `treated` rows have the change from column `before` on."""
    count, times = outcomes.shape
    first = np.where(np.arange(count) < treated, float(before), np.inf)
    return panel(tuple(f"place {row}" for row in range(count)), np.arange(float(times)), outcomes, first)


def case(city: Panel, context: Context | None = None, question: Question | None = None) -> Case:
    """The city's difference in differences, to be refuted."""
    asked = question or Question(method="did")
    return Case(city, asked, context or Context(), METHODS["did"](city, asked), METHODS["did"])


def told(check: Check) -> tuple[str, str]:
    """What became of a check and why."""
    return check.outcome.value, check.reason
