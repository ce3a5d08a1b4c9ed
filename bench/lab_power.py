"""Whether the power that `lab power` predicts from a history is the power that later studies have; writes a page.

A synthetic city: units with a level and two factors' loadings of their own, factors and noise AR(1). Power is predicted
from windows of one history of 30,000 times; then as many studies to come are made of the same units, at times of their
own, lots picking the treated, and it is counted how often each effect is shown. It ends with 1 where a prediction is
surely more than 3 points off: by more than two standard errors of the difference of two shares beyond. `--studies N`:
so many of each; `--json`: the shares, and no page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only get in the way

import numpy as np

from machine import describe
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import AUTO, Assignment, Question
from passerelle.lab.result import Result
from passerelle.lab.trials.placebos import Shape
from passerelle.lab.trials.power import find_power
from passerelle.lab.verdict import Wanted

SEED, STUDIES, HISTORY, BURN_IN = 20261125, 1000, 30_000, 30
FACTORS, REMEMBERED = 2, 0.4
MOST = 0.03
EFFECTS = np.array([0.5, 1.0, 1.5])
"""In standard deviations of the noise's shocks."""


@dataclass(frozen=True)
class Design:
    """A method, the size of its studies, and how many units the city has."""

    method: str
    shape: Shape
    units: int

    @property
    def question(self) -> Question:
        """What is asked: an effect upwards."""
        question = Question(wanted=Wanted.UP, method=self.method, seed=SEED)
        return replace(question, assignment=Assignment.CLUSTERS, method=AUTO) if "cluster" in self.method else question


DESIGNS = (
    Design("did", Shape(10, 20, 10), 30),
    Design("sc", Shape(1, 40, 8), 22),
    Design("sdid", Shape(1, 40, 8), 22),
    Design("cluster_randomised", Shape(5, 20, 10), 10),
)


class City:
    """Units with the same levels and loadings whenever they are looked at."""

    def __init__(self, units: int, random: np.random.Generator) -> None:
        self._random = random
        self._levels, self._loadings = random.normal(20, 1, (units, 1)), random.normal(size=(units, FACTORS))

    def look(self, times: int, treated: int = 0, start: int = 0) -> Panel:
        """The units at `times` times that nobody has seen; lots give some a change without effect from `start` on."""
        units = len(self._levels)
        factors, noise = (
            self._remember(self._random.normal(size=(rows, times + BURN_IN))) for rows in (FACTORS, units)
        )
        first = np.full(units, np.inf)
        first[self._random.choice(units, treated, replace=False)] = start
        outcomes = self._levels + self._loadings @ factors + noise
        return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first)

    def _remember(self, shocks: Floats) -> Floats:
        for time in range(1, shocks.shape[1]):
            shocks[:, time] += REMEMBERED * shocks[:, time - 1]
        return shocks[:, BURN_IN:]


def compare(design: Design, studies: int) -> tuple[Floats, Floats]:
    """The predicted and the counted shares of studies that show each effect."""
    city = City(design.units, np.random.default_rng(SEED))
    predicted = find_power(city.look(HISTORY), design.question, design.shape, EFFECTS, studies=studies).shares
    lows = np.array([result.interval[0] for result in _judge(design, city, studies)])
    return predicted, np.array([np.mean(lows + effect > 0) for effect in EFFECTS])


def _judge(design: Design, city: City, studies: int) -> Iterator[Result]:
    shape = design.shape
    for _ in range(studies):
        yield METHODS[design.method](city.look(shape.length, shape.count, shape.before), design.question)


def main(studies: int, *, as_json: bool) -> int:
    """Print the shares or write the page; 1 where a prediction is surely more than 3 points off."""
    found = {}
    for design in DESIGNS:
        print(design.method, file=sys.stderr, flush=True)
        found[design] = compare(design, studies)
    off = [design.method for design, shares in found.items() if (_beyond(*shares, studies) > 0).any()]
    if as_json:
        told = {design.method: {"predicted": list(a), "counted": list(b)} for design, (a, b) in found.items()}
        print(json.dumps(told))
    else:
        rows = [row for design, shares in found.items() for row in _tell(design, *shares)]
        Path(__file__).with_suffix(".md").write_text(write_page(rows, studies, off), encoding="utf-8")
    return 1 if off else 0


def _beyond(predicted: Floats, counted: Floats, studies: int) -> Floats:
    """How far each prediction is surely off beyond what is allowed; negative where it is within."""
    error = np.sqrt((predicted * (1 - predicted) + counted * (1 - counted)) / studies)
    return np.asarray(np.abs(predicted - counted) - 2 * error - MOST)


def _tell(design: Design, predicted: Floats, counted: Floats) -> Iterator[str]:
    shape = design.shape
    for effect, told, came in zip(EFFECTS, predicted, counted, strict=True):
        yield (
            f"| {design.method} | {shape.count} of {design.units} | {shape.before} | {shape.after} | {effect:g} | "
            f"{100 * told:.1f} | {100 * came:.1f} | {100 * (told - came):+.1f} |"
        )


def write_page(rows: list[str], studies: int, off: list[str]) -> str:
    """The page."""
    shown = "\n".join(rows)
    return f"""\
# Predicted power beside the power that studies have

`.venv/bin/python bench/run.py lab_power`; {studies} studies of each, seed {SEED}; {describe()}.

Everything here is synthetic: units with a level and {FACTORS} factors' loadings of their own, factors and noise AR(1)
with {REMEMBERED}. Predicted: from windows of one history of {HISTORY:,} times. Counted: studies of the same units at
times of their own. Shares in percent that show an effect of so many standard deviations of the noise's shocks. The
standard error of a difference is {100 * np.sqrt(0.5 / studies):.1f} points at most.

| method | treated | before | after | effect | predicted | counted | difference |
|---|---|---|---|---|---|---|---|
{shown}

Surely more than 3 points off: {", ".join(off) or "none"}.
"""


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--studies", type=int, default=STUDIES)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    sys.exit(main(given.studies, as_json=given.json))
