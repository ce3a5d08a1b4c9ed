"""Difference in differences of many units: published numbers, numbers by hand, and the inference that counts decide."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from passerelle.lab.estimators.did import estimate_did
from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.model.errors import StudyError


def noise(treated: int, others: int, before: int, after: int, seed: int = 1) -> Panel:
    random = np.random.default_rng(seed)
    count = treated + others
    outcomes = random.normal(size=(count, before + after)) + random.normal(size=(count, 1))
    first = np.where(np.arange(count) < treated, float(before), np.inf)
    return panel(tuple(f"u{one}" for one in range(count)), np.arange(float(before + after)), outcomes, first)


def test_proposition_99(checkout: Path) -> None:
    """California's cigarette tax: -27.349 packs, as published with synthdid; every other state is a placebo."""
    columns = Columns("State", "Year", "PacksPerCapita")
    path = checkout / "data/prop99/california_prop99_long.csv"
    found = estimate_did(read_panel(path, columns, treated=["California"], start="1989").panel, Question())
    assert found.effect == pytest.approx(-27.349, abs=1e-3)
    assert (found.inference, found.smallest_p) == ("exchange", pytest.approx(1 / 39))


def test_the_t_statistic_is_welchs() -> None:
    """Twelve against twenty: scipy's two-sample t test with unequal variances, of the units' changes."""
    data = noise(12, 20, 5, 4)
    change = data.outcomes[:, 5:].mean(axis=1) - data.outcomes[:, :5].mean(axis=1)
    theirs = stats.ttest_ind(change[:12], change[12:], equal_var=False)
    found = estimate_did(data, Question())
    assert found.inference == "clusters"
    assert found.effect / found.se == pytest.approx(theirs.statistic, rel=1e-12)


@pytest.mark.parametrize(
    ("treated", "others", "before", "after", "inference"),
    [
        (10, 10, 3, 3, "clusters"),
        (9, 40, 3, 3, "wild"),
        (5, 5, 3, 3, "wild"),
        (4, 40, 3, 3, "exchange"),
        (1, 19, 3, 3, "exchange"),
        (40, 1, 3, 3, "exchange"),
        (1, 18, 12, 12, "blocks"),
        (2, 4, 12, 12, "blocks"),
        (1, 18, 12, 11, "exchange"),
    ],
)
def test_counts_decide_the_inference(treated: int, others: int, before: int, after: int, inference: str) -> None:
    """Many on both sides, few, too few for clusters, too few for a permutation at 5 %, too few for anything."""
    assert estimate_did(noise(treated, others, before, after), Question()).inference == inference


def test_too_few_have_no_interval() -> None:
    """One unit against eighteen, briefly: a permutation gives no p value below 1/19, so the interval has no ends."""
    found = estimate_did(noise(1, 18, 3, 3), Question())
    assert found.smallest_p == pytest.approx(1 / 19)
    assert found.interval == (-math.inf, math.inf)


def test_absent_cells() -> None:
    """Without noise the effect is found whichever cells are absent; units seen on one side only are left out."""
    data = noise(12, 12, 6, 6)
    random = np.random.default_rng(3)
    truth = np.arange(24.0)[:, None] + np.sin(np.arange(12.0))[None, :]
    truth = truth + 2.5 * (data.treated[:, None] & (data.times >= 6)[None, :])
    truth.ravel()[random.choice(truth.size, 80, replace=False)] = np.nan
    truth[0, 6:] = np.nan
    found = estimate_did(data.with_outcomes(truth + 1e-9 * random.normal(size=truth.shape)), Question())
    assert found.effect == pytest.approx(2.5, abs=1e-6)
    assert found.n_units == 23


def test_complete_panels_have_the_two_way_coefficient() -> None:
    """With traits too, one number a unit gives the coefficient of two-way fixed effects."""
    data = noise(12, 20, 5, 4)
    facts = np.random.default_rng(4).normal(size=(32, 2))
    data = panel(data.units, data.times, data.outcomes, data.first, traits=facts)
    assert estimate_did(data, Question()).effect == pytest.approx(estimate_twfe(data, Question()).effect, rel=1e-9)


def test_anticipation_leaves_times_out() -> None:
    """Two times of anticipation: what happened in them changes nothing."""
    data = noise(12, 12, 6, 6)
    known = data.outcomes.copy()
    known[:12, 4:6] += 100
    asked = Question(anticipation=2)
    assert estimate_did(data.with_outcomes(known), asked).effect == estimate_did(data, asked).effect
    with pytest.raises(StudyError, match="none is left"):
        estimate_did(data, Question(anticipation=6))


@pytest.mark.parametrize("units", [(10, 12), (6, 8), (2, 20)])
def test_intervals_move_with_the_outcomes(units: tuple[int, int]) -> None:
    """Three more for the treated is three more for effect and ends; ten times the outcomes is ten times both."""
    data = noise(*units, 4, 4)
    moved = data.outcomes + 3 * (data.treated[:, None] & (data.times >= 4)[None, :])
    one, other = (estimate_did(data.with_outcomes(10 * values), Question()) for values in (data.outcomes, moved))
    assert other.effect - one.effect == pytest.approx(30)
    assert np.array(other.interval) - one.interval == pytest.approx(30, abs=1e-6)
    plain = estimate_did(data, Question())
    assert one.interval == pytest.approx(tuple(10 * end for end in plain.interval), rel=1e-6)


def test_several_starts_and_no_comparison_are_refused() -> None:
    """The first is for cs; with the second there is nothing to compare with."""
    data = noise(4, 4, 3, 3)
    with pytest.raises(StudyError, match="cs takes several"):
        estimate_did(data.with_first(np.array([3.0, 4] + [np.inf] * 6)), Question())
    with pytest.raises(StudyError, match="nothing to compare"):
        estimate_did(data.with_first(np.full(8, 3.0)), Question())


def test_a_time_without_the_treated_unit_is_no_block() -> None:
    """One treated unit of twelve, unseen at the tenth of sixty times: the error is that of the other 59 times."""
    gap = noise(1, 11, 40, 20)
    gap.outcomes[0, 10] = np.nan
    found = estimate_did(gap, Question())
    without = estimate_did(gap.select(np.arange(12), np.arange(60) != 10), Question())
    assert (found.inference, without.inference) == ("blocks", "blocks")
    assert found.se == pytest.approx(without.se, rel=1e-12)
