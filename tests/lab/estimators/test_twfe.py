"""Two-way fixed effects give the published coefficient, and say what it subtracts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from tests.lab.simulated import draw

from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.panel import panel
from passerelle.lab.question import Question
from passerelle.lab.result import Outcome
from passerelle.model.errors import StudyError


def test_teen_employment(shared_data: Path) -> None:
    """mpdta: -0.036549 (0.013265), and weights below zero since the starts are staggered."""
    path = shared_data / "sectors/policy_synthetic_control_refs/mpdta.csv"
    data = read_panel(path, Columns("countyreal", "year", "lemp", first="first.treat")).panel
    found = estimate_twfe(data, Question())
    assert (found.effect, found.se) == pytest.approx((-0.036549, 0.013265), abs=1e-6)
    (check,) = found.checks
    assert (check.outcome, check.reason) == (Outcome.FAILED, "some")


@pytest.mark.parametrize("absent", [0, 30])
@pytest.mark.parametrize("traits", [0, 2])
def test_dummies_agree(absent: int, traits: int) -> None:
    """Least squares with a dummy for each unit and each time, and traits at each time, has the same coefficient."""
    random = np.random.default_rng(absent + traits)
    units, times = 20, 8
    outcomes = random.normal(size=(units, times))
    outcomes.ravel()[random.choice(units * times, absent, replace=False)] = np.nan
    first = np.resize([3.0, 5.0, np.inf], units)
    facts = random.normal(size=(units, traits))
    data = panel(tuple(map(str, range(units))), np.arange(float(times)), outcomes, first, traits=facts)
    had = (data.times[None, :] >= first[:, None]).astype(float)
    unit, time = (index.ravel() for index in np.indices((units, times)))
    columns = [had.ravel(), *(unit == one for one in range(units)), *(time == one for one in range(1, times))]
    columns += [facts[unit, one] * (time == at) for one in range(traits) for at in range(1, times)]
    seen = ~np.isnan(outcomes.ravel())
    theirs = OLS(outcomes.ravel()[seen], np.column_stack(columns).astype(float)[seen]).fit()
    assert estimate_twfe(data, Question()).effect == pytest.approx(theirs.params[0], rel=1e-8)


def test_one_start_has_no_weight_below_zero() -> None:
    """With one start each treated cell counts alike."""
    random = np.random.default_rng(2)
    data = panel(tuple(map(str, range(12))), np.arange(6.0), random.normal(size=(12, 6)), np.resize([3, np.inf], 12))
    found = estimate_twfe(data, Question())
    assert [(one.outcome, one.numbers["share"]) for one in found.checks] == [(Outcome.PASSED, 0.0)]


def test_few_clusters_have_no_interval() -> None:
    """Two treated units: an error from two clusters means nothing, and the interval has no ends."""
    random = np.random.default_rng(2)
    data = panel(
        tuple(map(str, range(12))), np.arange(6.0), random.normal(size=(12, 6)), np.where(np.arange(12) < 2, 3, np.inf)
    )
    found = estimate_twfe(data, Question())
    assert (found.interval, found.smallest_p, found.inference) == ((-np.inf, np.inf), 1.0, "too_few_clusters")


def test_all_at_once_is_refused() -> None:
    """Where all units began together nothing tells the change from time."""
    data = panel(("a", "b"), np.arange(4.0), np.arange(8.0).reshape(2, 4), np.array([2.0, 2.0]))
    with pytest.raises(StudyError, match="can't be told"):
        estimate_twfe(data, Question())


def test_anticipation_is_left_out() -> None:
    """What treated units did in the times of anticipation moves nothing; without it, it does."""
    data = draw(3, 8, 8, 12, 4)
    other = data.outcomes.copy()
    other[:8, 10:12] += 50
    moved = data.with_outcomes(other)
    asked = Question(method="twfe", anticipation=2)
    assert estimate_twfe(data, asked).effect == pytest.approx(estimate_twfe(moved, asked).effect, abs=1e-9)
    assert abs(estimate_twfe(data, Question()).effect - estimate_twfe(moved, Question()).effect) > 1
