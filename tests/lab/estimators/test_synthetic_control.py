"""Synthetic control gives the published weights and effects, and is as sure as its placebos let it be."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from passerelle.lab.estimators.synthetic_control import contrast_sc, estimate_sc
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.weights.predictors import find_importances, weigh_with
from passerelle.lab.weights.synthetic import read_setting
from passerelle.model.errors import StudyError

from .references import read_basque_facts, read_geolift, read_germany_facts, read_proposition_99


def draw(units: int, before: int, after: int, seed: int, effect: float = 0.0, treated: int = 1) -> Panel:
    """Units that load on one factor, with noise that remembers; the first of them are treated."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(units, before + after))
    for time in range(1, before + after):
        noise[:, time] += 0.5 * noise[:, time - 1]
    factor = np.cumsum(random.normal(size=before + after))
    outcomes = random.normal(1, 0.5, (units, 1)) * factor + noise
    outcomes[:treated, before:] += effect
    first = np.where(np.arange(units) < treated, float(before), np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(before + after)), outcomes, first)


def test_proposition_99(shared_data: Path) -> None:
    """On all outcomes before 1989 California is Utah, Montana, Nevada and others, and the effect -19.514 packs."""
    found = estimate_sc(read_proposition_99(shared_data), Question())
    assert found.effect == pytest.approx(-19.514, abs=1e-2)
    assert sum(found.weights.values()) == pytest.approx(1, abs=1e-3)
    assert next(iter(found.weights)) == "Utah"
    assert found.smallest_p == pytest.approx(1 / 39)


def test_geolift_without_the_unit_effect(shared_data: Path) -> None:
    """122.7 is what plain synthetic control gives where the published 155.556 counts from each city's level."""
    setting = read_setting(read_geolift(shared_data), Question(), "sc")
    assert contrast_sc(setting, setting.shares).effects(setting)[0] == pytest.approx(122.7, abs=0.1)


def test_germany(shared_data: Path) -> None:
    """Importances of 1971-1990 and facts of 1981-1990 give the published weights; -1,555 is 1990-2003's.

    It is often given for 1991-2000. With the published weights themselves (.415 .216 .163 .108 .098) the mean gap is
    -1,555.1 over 1990-2003 and -1,272.1 over 1991-2000, so that the figure is the former's.
    """
    facts, known = read_germany_facts(shared_data)
    year = known.times
    share = known.treated.astype(float)
    importances = find_importances(facts[1971], known.outcomes[:, (year >= 1981) & (year < 1991)], share)
    weights = weigh_with(importances, facts[1981], share)
    published = {"Austria": 0.415, "USA": 0.216, "Japan": 0.163, "Switzerland": 0.108, "Netherlands": 0.098}
    expected = [published.get(unit, 0.0) for unit in known.units]
    assert weights == pytest.approx(expected, abs=1e-2)
    gap = (share - weights) @ known.outcomes
    assert gap[year >= 1990].mean() == pytest.approx(-1555, abs=1)
    theirs = (share - np.array(expected)) @ known.outcomes
    assert theirs[year >= 1990].mean() == pytest.approx(-1555, abs=1)
    assert theirs[(year >= 1991) & (year <= 2000)].mean() == pytest.approx(-1272, abs=1)


def test_basque_country(shared_data: Path) -> None:
    """Catalonia .851 and Madrid .149, from thirteen facts, importances found on 1960-1969."""
    facts, outcomes, known = read_basque_facts(shared_data)
    share = known.treated.astype(float)
    weights = weigh_with(find_importances(facts, outcomes, share), facts, share)
    expected = [0.851 if "Cataluna" in unit else 0.149 if "Madrid" in unit else 0 for unit in known.units]
    assert weights == pytest.approx(expected, abs=1e-2)


def test_the_interval_holds_an_effect() -> None:
    """An effect of 6 among 30 units is found: it is inside, zero is not, and the smallest p value is one in thirty."""
    found = estimate_sc(draw(30, 40, 8, seed=3, effect=6.0), Question())
    assert found.interval[0] <= 6 <= found.interval[1]
    assert found.interval[0] > 0
    assert found.p_value == found.smallest_p == pytest.approx(1 / 30)
    assert found.path is not None
    assert np.isnan(found.path.low[:40]).all()
    assert (found.path.low[40:] <= found.path.expected[40:]).all()
    assert (found.path.observed - found.path.expected)[40:].mean() == pytest.approx(found.effect)


def test_nineteen_units_are_not_enough_for_95_percent() -> None:
    """With 19 units and many times after, no interval is had at 95 %, but one at 90 %; 20 units bound it."""
    assert estimate_sc(draw(19, 20, 20, seed=1), Question()).interval == (-math.inf, math.inf)
    assert estimate_sc(draw(19, 20, 20, seed=1), Question()).inference == "too_few_groups"
    assert math.isfinite(estimate_sc(draw(19, 20, 20, seed=1), Question(level=0.9)).interval[0])
    assert math.isfinite(estimate_sc(draw(20, 20, 20, seed=1), Question()).interval[0])


def test_few_units_and_many_times() -> None:
    """With 8 units and 100 times, of which 10 came after, gaps of other times bound the effect of 6."""
    found = estimate_sc(draw(8, 90, 10, seed=2, effect=6.0), Question())
    assert found.inference == "gaps_of_other_times"
    assert "steady_gaps" in found.assumptions
    assert 0 < found.interval[0] <= 6 <= found.interval[1] < math.inf
    assert found.smallest_p == pytest.approx(0.01)


@pytest.mark.parametrize("units", [8, 30])
def test_weights_know_nothing_of_the_time_after(units: int) -> None:
    """Whatever comes after the change, weights stay the same to the last digit."""
    known = draw(units, 90, 10, seed=4)
    other = known.outcomes.copy()
    other[:, 90:] = np.random.default_rng(0).normal(0, 100, (units, 10))
    changed = panel(known.units, known.times, other, known.first)
    assert estimate_sc(known, Question()).weights == estimate_sc(changed, Question()).weights


def test_anticipation_is_left_out() -> None:
    """Times in which the change may have been felt already neither fit weights nor count as after."""
    known = draw(20, 40, 8, seed=6)
    other = known.outcomes.copy()
    other[:, 37:40] += 50 * np.arange(20)[:, None]
    question = Question(anticipation=3)
    changed = panel(known.units, known.times, other, known.first)
    assert estimate_sc(known, question).effect == estimate_sc(changed, question).effect


def test_facts_choose_the_weights() -> None:
    """With traits, the unit with the treated one's traits is the comparison."""
    known = draw(12, 20, 5, seed=8)
    traits = np.random.default_rng(1).normal(size=(12, 2))
    traits[0] = traits[7]
    found = estimate_sc(
        panel(known.units, known.times, known.outcomes, known.first, traits=traits), Question(level=0.9)
    )
    assert found.weights["u7"] == pytest.approx(1, abs=1e-3)


def test_what_cannot_be_compared_is_refused() -> None:
    """Gaps in the data, several starts, and too short a past are told with their numbers."""
    known = draw(6, 10, 5, seed=1)
    holed = known.outcomes.copy()
    holed[3, 2] = np.nan
    with pytest.raises(StudyError, match=r"1 units were not seen at every time \(u3\)"):
        estimate_sc(panel(known.units, known.times, holed, known.first), Question())
    with pytest.raises(StudyError, match="began at 2 times"):
        estimate_sc(known.with_first(np.array([10.0, 12, *[np.inf] * 4])), Question())
    with pytest.raises(StudyError, match="3 times before the change"):
        estimate_sc(known.with_first(np.array([3.0, *[np.inf] * 5])), Question())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_unit_as_the_treated_one(seed: int) -> None:
    """Of 21 units, each in turn taken as treated with nothing, one is a false alarm at 95 %: the largest of 21 ratios.

    So that where lots say which unit is treated, 1/21 or 4.8 % are, whatever the outcomes are like.
    """
    known = draw(21, 40, 8, seed)
    found = [
        estimate_sc(known.with_first(np.where(np.arange(21) == row, 40.0, np.inf)), Question()) for row in range(21)
    ]
    assert sum(one.p_value <= 0.05 + 1e-9 for one in found) == 1
