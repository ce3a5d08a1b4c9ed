"""How often the lab's checks block what is true, and what is not, on synthetic cities; writes lab_checks.md.

Places have levels of their own, shocks that all share, and AR(1) noise of variance 1, normal or with heavy tails (t
with 4 degrees of freedom, scaled). The context says that no other change and no changed sensor is known, and has
distances.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from machine import describe
from passerelle.lab.analysis import Analysis, analyse
from passerelle.lab.context import Context
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question

SEED = 20210603
DRAWS = 300
FLAWED_DRAWS = 200
NULLS = 400
QUESTION = Question(method="did")


@dataclass(frozen=True)
class Design:
    """Places with and without the change, times before and after, and how alike neighbouring times are."""

    treated: int
    comparison: int
    before: int
    after: int
    correlation: float

    def __str__(self) -> str:
        places = f"{self.treated} of {self.treated + self.comparison} places"
        return f"{places}, {self.before} + {self.after} times, correlation {self.correlation}"


DESIGNS = (
    Design(10, 15, 24, 12, 0.3),
    Design(20, 40, 24, 12, 0.5),
    Design(10, 90, 36, 12, 0.7),
    Design(12, 12, 100, 30, 0.5),
    Design(20, 80, 60, 20, 0.9),
    Design(1, 40, 40, 20, 0.3),
)
FLAWED = Design(10, 40, 24, 12, 0.3)


def drift(outcomes: Floats) -> None:
    """The treated drift by 0.06 a time, before and after."""
    outcomes[:10] += 0.06 * np.arange(outcomes.shape[1])


def early(outcomes: Floats) -> None:
    """What moved the treated by 1 came five times before the change."""
    outcomes[:10, 19:] += 1


def ring(outcomes: Floats) -> None:
    """The nearest ten comparison places rose by 1.5 with the change, and nothing else moved."""
    outcomes[10:20, 24:] += 1.5


def late_step(outcomes: Floats) -> None:
    """The treated sensors were exchanged six times after the change: they step by 2."""
    outcomes[:10, 30:] += 2


def worst(outcomes: Floats) -> None:
    """The ten places that were highest in the last six times before are the treated; nothing was done."""
    outcomes -= outcomes.mean(axis=1, keepdims=True)
    outcomes[:] = outcomes[np.argsort(-outcomes[:, 18:24].mean(axis=1))]


def decimals(outcomes: Floats) -> None:
    """Treated instruments were replaced by ones that give whole numbers and read 0.6 higher."""
    outcomes[:] = np.round(outcomes, 1)
    outcomes[:10, 24:] = np.rint(outcomes[:10, 24:] + 0.6)


FLAWS: tuple[Callable[[Floats], None], ...] = (drift, early, ring, late_step, worst, decimals)


def main() -> None:
    """Write the page."""
    random = np.random.default_rng(SEED)
    sound = [row for design in DESIGNS for heavy in (False, True) for row in measure(design, random, heavy=heavy)]
    flawed = [measure_flaw(flaw, random) for flaw in FLAWS]
    page = f"""\
# What the lab's checks block

`.venv/bin/python bench/run.py lab_checks`; difference in differences, seed {SEED}; {describe()}.

## A true effect in a sound design

{DRAWS} synthetic cities a row. The effect is 2.8 or 3.5 standard errors of its estimate (power near 80 % and 94 % of a
normal test at 5 %). A claim is an interval that excludes zero. The chance error of a share near 5 % is ±2.7.

| design | noise | effect in errors | % claimed | % of claims blocked | by what (% of claims) |
|---|---|---|---|---|---|
{chr(10).join(sound)}

## No effect, and a flaw that looks like one

{FLAWED_DRAWS} synthetic cities a row: {FLAWED}, normal noise.
Nothing was done at the date of the change; a verdict is an error.

| flaw | % claimed | % with a verdict after the checks | blocked by (% of claims) |
|---|---|---|---|
{chr(10).join(flawed)}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def measure(design: Design, random: np.random.Generator, *, heavy: bool) -> list[str]:
    """The rows of a sound design: an effect of 2.8 and of 3.5 standard errors."""
    print(design, heavy, file=sys.stderr, flush=True)
    nulls = [METHODS["did"](build(draw(design, random, heavy=heavy), design), QUESTION).effect for _ in range(NULLS)]
    rows = []
    for size in (2.8, 3.5):
        found = []
        for _ in range(DRAWS):
            outcomes = draw(design, random, heavy=heavy)
            outcomes[: design.treated, design.before :] += size * float(np.std(nulls))
            found.append(judge(outcomes, design))
        claims, blocked, names = count(found)
        shares = f"{100 * claims / DRAWS:.0f} | {100 * blocked / claims:.1f} | {names}"
        rows.append(f"| {design} | {'heavy tails' if heavy else 'normal'} | {size} | {shares} |")
    return rows


def measure_flaw(flaw: Callable[[Floats], None], random: np.random.Generator) -> str:
    """The row of a flaw."""
    print(flaw.__name__, file=sys.stderr, flush=True)
    found = []
    for _ in range(FLAWED_DRAWS):
        outcomes = draw(FLAWED, random, heavy=False)
        flaw(outcomes)
        found.append(judge(outcomes, FLAWED))
    claims, blocked, names = count(found)
    told = f"{100 * claims / FLAWED_DRAWS:.0f} | {100 * (claims - blocked) / FLAWED_DRAWS:.1f}"
    return f"| {(flaw.__doc__ or '').rstrip('.')} | {told} | {names} |"


def count(found: list[Analysis]) -> tuple[int, int, str]:
    """Claims, those of them that a check blocked, and the checks that did."""
    claims = [one for one in found if not one.result.interval[0] <= 0 <= one.result.interval[1]]
    names = Counter(name for one in claims for name in one.result.failed)
    told = ", ".join(f"`{name}` {100 * times / len(claims):.1f}" for name, times in names.most_common())
    return len(claims), sum(bool(one.result.failed) for one in claims), told


def judge(outcomes: Floats, design: Design) -> Analysis:
    """The city's analysis, distances growing with the row."""
    distances = np.concatenate([np.zeros(design.treated), np.arange(1.0, design.comparison + 1)])
    context = Context(others=(), sensors=(), distances=distances)
    return analyse(build(outcomes, design), QUESTION, context)


def build(outcomes: Floats, design: Design) -> Panel:
    """The first places had the change from the end of the times before on."""
    count, times = outcomes.shape
    first = np.where(np.arange(count) < design.treated, float(design.before), np.inf)
    return panel(tuple(str(row) for row in range(count)), np.arange(float(times)), outcomes, first)


def draw(design: Design, random: np.random.Generator, *, heavy: bool) -> Floats:
    """Outcomes of a city in which nothing was changed."""
    shape = design.treated + design.comparison, design.before + design.after
    noise = random.standard_t(4, size=shape) / np.sqrt(2) if heavy else random.normal(size=shape)
    for at in range(1, shape[1]):
        noise[:, at] = design.correlation * noise[:, at - 1] + np.sqrt(1 - design.correlation**2) * noise[:, at]
    outcomes: Floats = noise + 5 * random.normal(size=(shape[0], 1)) + 3 * random.normal(size=shape[1])
    return outcomes


if __name__ == "__main__":
    main()
