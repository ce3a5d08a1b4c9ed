"""How often 95 % intervals of the synthetic methods hold the truth, on synthetic panels; writes lab_synthetic.md.

Everything here is synthetic: outcomes are three factors times loadings of the unit's own, a level, and noise that
remembers half of the time before. Which units are treated follows from nothing. No change was made in any, so that an
interval without zero is a false alarm. Intervals of these methods move with an effect that is the same at all times,
so that one without an effect says what it would be with one.
`--draws N` makes so many panels a cell; `--json` prints the shares of 21 units, one treated, 40 times before,
and writes no page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from machine import describe
from passerelle.lab.estimators.augmented import choose_penalty, contrast_asc
from passerelle.lab.inference.conformal import Conformal
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.weights.synthetic import read_setting

SEED = 20261126
DRAWS = 40
FACTORS = 3
EFFECT = 2.0
"""Added for power, in standard deviations of the noise."""

UNITS, TREATED, LENGTHS, WALKS = (10, 21, 40), (1, 3), ((40, 8), (120, 20)), (False, True)
METHOD_NAMES = ("sc", "asc", "sdid")
CONFORMAL = "asc, gaps of other times"
POOLS: Mapping[str, Callable[[int, bool], bool]] = {
    "10 units, AR(1)": lambda units, walks: units == 10 and not walks,
    "10 units, walks": lambda units, walks: units == 10 and walks,
    "21 and 40 units, AR(1)": lambda units, walks: units > 10 and not walks,
    "21 and 40 units, walks": lambda units, walks: units > 10 and walks,
}

Interval = tuple[float, float]


def main(draws: int, *, as_json: bool) -> None:
    """Print the shares, or write the page."""
    random = np.random.default_rng(SEED)
    if as_json:
        few = [(21, 1, 40, 8, walks) for walks in WALKS]
        found = [by_methods(simulate(*cell, random)) for cell in few for _ in range(draws)]
        told = {name: float(np.mean([holds(one[name], 0.0) for one in found])) for name in METHOD_NAMES}
        print(json.dumps({"panels": len(found), **told}))
        return
    rows, pooled = [], {name: [] for name in POOLS}
    for units, treated, (before, after), walks in cells_of():
        print(units, treated, before, after, walks, file=sys.stderr, flush=True)
        count = draws // (4 if treated > 1 and units > UNITS[0] else 2 if before > LENGTHS[0][0] else 1)
        found = [intervals(simulate(units, treated, before, after, walks, random)) for _ in range(count)]
        rows.append(row((units, treated, before, after, walks), found))
        for name, belongs in POOLS.items():
            pooled[name] += found if belongs(units, walks) else []
    rows += [f"| {name} | | | | | {' | '.join(cells(found))} |" for name, found in pooled.items()]
    shown = "\n".join(rows)
    names = (*METHOD_NAMES, CONFORMAL)
    page = f"""\
# Coverage and power of the synthetic methods

`.venv/bin/python bench/run.py lab_synthetic`; {draws} synthetic panels a row (half with 120 times before, a quarter
where a thousand groups are compared), seed {SEED}; {describe()}.

{FACTORS} factors, each unit with loadings and a level of its own, and noise of variance 1 that remembers half of the
time before. Factors are AR(1) with a correlation of 0.5, or random walks. A cell: % of intervals that hold the truth,
with its 95 % bounds (Clopper and Pearson; 100 less it: false alarms); % of effects of {EFFECT:g} standard
deviations shown; % without an end. The last column ranks gaps of other times whatever the number of units.

| units | treated | before | after | factors | {" | ".join(names)} |
|{"---|" * (5 + len(names))}
{shown}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def cells_of() -> Iterator[tuple[int, int, tuple[int, int], bool]]:
    """Units, treated, times before and after, and whether factors are random walks."""
    for units in UNITS:
        for treated in TREATED:
            for length in LENGTHS if treated == 1 else LENGTHS[:1]:
                for walks in WALKS:
                    yield units, treated, length, walks


def row(cell: tuple[int, int, int, int, bool], found: list[Mapping[str, Interval]]) -> str:
    """A line of the page."""
    units, treated, before, after, walks = cell
    factors = "walks" if walks else "AR(1)"
    return f"| {units} | {treated} | {before} | {after} | {factors} | {' | '.join(cells(found))} |"


def cells(found: list[Mapping[str, Interval]]) -> list[str]:
    """What is told of each method."""
    return [tell([one[name] for one in found]) for name in (*METHOD_NAMES, CONFORMAL)]


def tell(found: list[Interval]) -> str:
    """Coverage with its bounds, power, and the share of endless intervals."""
    held = sum(holds(one, 0.0) for one in found)
    low, high = stats.binomtest(held, len(found)).proportion_ci(0.95)
    shown = np.mean([low + EFFECT > 0 for low, _ in found])
    endless = np.mean([not np.isfinite(one).all() for one in found])
    return f"{held / len(found):.0%} ({low:.0%}-{high:.0%}); {shown:.0%}; {endless:.0%}"


def holds(interval: Interval, value: float) -> bool:
    """Whether the interval has the value in it."""
    return interval[0] <= value <= interval[1]


def simulate(units: int, treated: int, before: int, after: int, walks: bool, random: np.random.Generator) -> Panel:
    """A panel whose first units are treated with nothing."""
    times = before + after
    factors = remember(random.normal(size=(FACTORS, times + 20)), 1.0 if walks else 0.5)[:, 20:]
    noise = remember(random.normal(size=(units, times + 20)), 0.5)[:, 20:] * np.sqrt(1 - 0.5**2)
    outcomes = random.normal(size=(units, FACTORS)) @ factors + random.normal(0, 2, size=(units, 1)) + noise
    first = np.where(np.arange(units) < treated, float(before), np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first)


def remember(shocks: Floats, share: float) -> Floats:
    """Each time's value: the share of the one before, and a shock."""
    for time in range(1, shocks.shape[1]):
        shocks[:, time] += share * shocks[:, time - 1]
    return shocks


def intervals(data: Panel) -> dict[str, Interval]:
    """The 95 % interval of each method, and of augmented synthetic control by gaps of other times."""
    found = by_methods(data)
    same = len(data.units) == UNITS[0] and data.treated.sum() == 1
    return found | {CONFORMAL: found["asc"] if same else by_times(data)}


def by_methods(data: Panel) -> dict[str, Interval]:
    """The 95 % interval of each method."""
    return {name: METHODS[name](data, Question(method=name)).interval for name in METHOD_NAMES}


def by_times(data: Panel) -> Interval:
    """The interval of augmented synthetic control by gaps of other times."""
    setting = read_setting(data, Question(), "asc")
    contrast = partial(contrast_asc, penalty=choose_penalty(setting))
    effect = float(contrast(setting, setting.shares).effects(setting)[0])
    return Conformal(setting, contrast).interval(effect, 0.2, 0.95)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="how many panels a cell")
    parser.add_argument("--json", action="store_true", help="print the shares, write no page")
    given = parser.parse_args()
    main(given.draws, as_json=given.json)
