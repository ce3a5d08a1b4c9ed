"""The power that a history predicts is the power that studies have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from passerelle.lab.estimators.cluster_randomised import estimate_cluster_randomised
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Assignment, Question
from passerelle.lab.trials.placebos import Shape
from passerelle.lab.trials.power import enlarge, find_power
from passerelle.lab.verdict import Wanted

LOTS = Question(wanted=Wanted.UP, assignment=Assignment.CLUSTERS, seed=4)


def made(units: int, times: int, random: np.random.Generator, first: np.ndarray | None = None) -> Panel:
    """Units with a level each, and days that are a little alike within a unit."""
    noise = random.normal(size=(units, times + 30))
    for time in range(1, noise.shape[1]):
        noise[:, time] += 0.4 * noise[:, time - 1]
    outcomes = 20 + random.normal(size=(units, 1)) + noise[:, 30:]
    names = tuple(f"u{one}" for one in range(units))
    return panel(names, np.arange(float(times)), outcomes, np.full(units, np.inf) if first is None else first)


def test_predictions_are_what_studies_do() -> None:
    """Synthetic, 8 of 4 drawn, ten times on each side: predicted from a history, and counted in 500 studies to come.

    3 points are allowed, and two standard errors of two shares of 500: 2 sqrt(2 * .25 / 500) = 6.3 points.
    """
    random = np.random.default_rng(8)
    effects = np.array([1.0, 1.5])
    predicted = find_power(made(8, 3000, random), LOTS, Shape(4, 10, 10), effects, studies=500)
    first = np.where(np.arange(8) < 4, 10.0, np.inf)
    lows = []
    for _ in range(500):
        study = made(8, 20, random, first)
        lows.append(estimate_cluster_randomised(study, LOTS).interval[0])
    counted = [np.mean(np.array(lows) + effect > 0) for effect in effects]
    assert predicted.shares == pytest.approx(counted, abs=0.03 + 0.063)
    assert predicted.false_alarms <= 0.08
    assert predicted.apart == 150


def test_too_few_to_show_anything() -> None:
    """Two of four can be drawn in six ways: no effect is shown at 5 %, however large; with twice the places one is."""
    random = np.random.default_rng(9)
    data = made(16, 60, random)
    four = data.select(np.arange(4))
    found = find_power(four, LOTS, Shape(2, 5, 5), np.array([1000.0]), studies=20)
    assert (found.mde, found.shares.tolist()) == (np.inf, [0.0])
    assert [(one.count, one.after) for one in enlarge(Shape(2, 5, 5), data)] == [
        *((2, 10), (4, 5), (4, 10), (2, 20), (8, 5), (8, 20))
    ]
    assert [one.count for one in enlarge(Shape(2, 5, 5), four)] == [2, 2]


def test_the_smallest_effect_shown() -> None:
    """At it four of five studies show an effect, a thousandth below fewer; wanted down it is one downwards."""
    data = made(8, 200, np.random.default_rng(10))
    mde = find_power(data, LOTS, Shape(4, 5, 5), np.array([1.0]), studies=50).mde
    at = find_power(data, LOTS, Shape(4, 5, 5), np.array([mde, 0.999 * mde]), studies=50)
    assert at.shares[0] >= 0.8 > at.shares[1]
    down = replace(LOTS, wanted=Wanted.DOWN)
    mde = find_power(data, down, Shape(4, 5, 5), np.array([1.0]), studies=50).mde
    at = find_power(data, down, Shape(4, 5, 5), -np.array([mde, 0.999 * mde]), studies=50)
    assert at.shares[0] >= 0.8 > at.shares[1]
