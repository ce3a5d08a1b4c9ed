"""How often `did`'s 95 % intervals hold the truth, by how many units are on each side; writes lab_did.md.

Everything here is synthetic: units with levels of their own, times in common, AR(1) errors, no effect of the change.
Skewed errors are lognormal, centred.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from machine import describe
from passerelle.lab.estimators.did import estimate_did
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question

SEED = 20261126
BEFORE, AFTER = 20, 12
CORRELATION = 0.5
SIDES = ((1, 30), (2, 4), (3, 30), (5, 5), (5, 30), (7, 7), (9, 30), (10, 10), (10, 40), (20, 20), (50, 50))
DRAWS = {"wild": 500, "exchange": 500, "blocks": 500}
MOST_DRAWS = 2000


def main() -> None:
    """Write the page."""
    random = np.random.default_rng(SEED)
    lines = [line(random, *sides, skewed=skewed) for sides in SIDES for skewed in (False, True)]
    rows = "\n".join(lines)
    page = f"""\
# Coverage of the 95 % intervals of difference in differences, by the units on each side

`.venv/bin/python bench/run.py lab_did`; synthetic panels without an effect, {BEFORE} times before and {AFTER} after,
errors with a correlation of {CORRELATION} from one time to the next, seed {SEED}; {describe()}.

The counts of units decide the inference. Widths are medians, in standard deviations of the
errors; ∞ where it has no ends.

| treated | others | errors | inference | draws | % covered | chance error | width |
|---|---|---|---|---|---|---|---|
{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def line(random: np.random.Generator, treated: int, others: int, *, skewed: bool) -> str:
    """A line of the page: one design, simulated."""
    question = Question()
    inference = estimate_did(simulate(random, treated, others, skewed=skewed), question).inference
    draws = DRAWS.get(inference, MOST_DRAWS)
    found = [estimate_did(simulate(random, treated, others, skewed=skewed), question).interval for _ in range(draws)]
    covered = 100 * sum(low <= 0 <= high for low, high in found) / draws
    width = float(np.median([high - low for low, high in found]))
    chance = 196 * np.sqrt(0.05 * 0.95 / draws)
    shown = f"{width:.2f}" if np.isfinite(width) else "∞"
    errors = "lognormal" if skewed else "normal"
    return f"| {treated} | {others} | {errors} | {inference} | {draws} | {covered:.1f} | ±{chance:.1f} | {shown} |"


def simulate(random: np.random.Generator, treated: int, others: int, *, skewed: bool) -> Panel:
    """A panel in which the change did nothing."""
    units, times = treated + others, BEFORE + AFTER
    shocks = random.normal(size=(units, times))
    errors = np.empty_like(shocks)
    errors[:, 0] = shocks[:, 0]
    for time in range(1, times):
        errors[:, time] = CORRELATION * errors[:, time - 1] + np.sqrt(1 - CORRELATION**2) * shocks[:, time]
    if skewed:
        errors = (np.exp(errors) - np.exp(0.5)) / np.sqrt(np.exp(1) * (np.exp(1) - 1))
    outcomes: Floats = random.normal(0, 2, size=(units, 1)) + random.normal(size=times).cumsum() + errors
    first = np.where(np.arange(units) < treated, float(BEFORE), np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first)


if __name__ == "__main__":
    main()
