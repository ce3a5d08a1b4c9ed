"""A change that comes and goes by lot is judged by the schedules that could have come."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from passerelle.lab.estimators.switchback import estimate_switchback
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Periods, Question
from passerelle.model.errors import StudyError

LENGTH = 4


def trial(had: np.ndarray, *, effect: float = 0.0, carry_over: float = 0.0, seed: int = 0) -> Panel:
    """Schedules (rows) of periods of four times; two units follow each; outcomes drift and remember their past."""
    random = np.random.default_rng(seed)
    given = np.repeat(np.repeat(had, LENGTH, axis=1), 2, axis=0)
    drift = random.normal(size=given.shape[1]).cumsum()
    outcomes = 10 + 0.3 * drift + random.normal(size=given.shape) + effect * given
    before = np.column_stack([given[:, :1], given[:, :-1]])
    outcomes += carry_over * (before & ~given)
    return panel(
        tuple(f"unit {one}" for one in range(len(given))),
        np.arange(float(given.shape[1])),
        outcomes,
        np.where(given.any(axis=1), given.argmax(axis=1).astype(float), np.inf),
        given=given,
    )


def halves(random: np.random.Generator, rows: int, periods: int) -> np.ndarray:
    return np.array([random.permutation(periods) < periods // 2 for _ in range(rows)])


def test_one_schedule_by_hand() -> None:
    """Flat but for the change: four periods of eight at 12, four at 10, and a schedule without trend: effect 2.

    70 ways, each with its opposite: the smallest p value is 2/70.
    """
    had = np.array([[True, False, False, True, False, True, True, False]])
    data = trial(had)
    outcomes = np.where(np.repeat(had, LENGTH, axis=1), 12.0, 10.0).repeat(2, axis=0)
    found = estimate_switchback(data.with_outcomes(outcomes), Question(periods=Periods(LENGTH)))
    assert found.effect == pytest.approx(2)
    assert found.p_value == found.smallest_p == pytest.approx(2 / 70)
    assert (found.n_units, found.n_treated, found.n_times) == (2, 2, 32)


def test_pairs_leave_fewer_ways() -> None:
    """One of each two of eight periods: 16 ways, too few for 5 %."""
    had = np.array([[True, False, False, True, False, True, True, False]])
    found = estimate_switchback(trial(had), Question(periods=Periods(LENGTH, paired=True)))
    assert found.smallest_p == pytest.approx(2 / 16)
    assert found.interval == (-np.inf, np.inf)


def test_what_carries_over_is_left_out() -> None:
    """What stays for one time after the change is gone moves the effect only where it isn't declared."""
    had = halves(np.random.default_rng(1), 4, 12)
    data, spoilt = (trial(had, effect=2, carry_over=stay) for stay in (0.0, 40.0))
    asked = Question(periods=Periods(LENGTH, carry_over=1))
    assert estimate_switchback(spoilt, asked).effect == estimate_switchback(data, asked).effect
    plain = Question(periods=Periods(LENGTH))
    assert abs(estimate_switchback(spoilt, plain).effect - estimate_switchback(data, plain).effect) > 1
    assert estimate_switchback(data, asked).n_times == 36


def test_designs_that_are_none() -> None:
    """No schedule, a change within a period, and a unit that was not always seen."""
    data = trial(halves(np.random.default_rng(1), 2, 8))
    with pytest.raises(StudyError, match="which units had the change"):
        estimate_switchback(data.with_first(data.first), Question())
    with pytest.raises(StudyError, match="within a period of 3 times"):
        estimate_switchback(data, Question(periods=Periods(3)))
    outcomes = data.outcomes.copy()
    outcomes[0, 0] = np.nan
    with pytest.raises(StudyError, match="not seen at every time"):
        estimate_switchback(data.with_outcomes(outcomes), Question(periods=Periods(LENGTH)))


@pytest.mark.parametrize(("rows", "paired"), [(1, False), (3, False), (2, True)])
def test_intervals_cover(rows: int, paired: bool) -> None:
    """Of 500 trials with an effect of 1, drift and all, as many 95 % intervals hold it as chance has it."""
    random = np.random.default_rng(12)
    held = 0
    for seed in range(500):
        had = halves(random, rows, 12)
        if paired:
            coins = random.random((rows, 6)) < 0.5
            had = np.stack([coins, ~coins], axis=2).reshape(rows, 12)
        found = estimate_switchback(
            trial(had, effect=1, seed=seed), Question(seed=seed, periods=Periods(LENGTH, paired=paired))
        )
        held += found.interval[0] <= 1 <= found.interval[1]
    assert stats.binom.ppf(0.001, 500, 0.95) <= held <= stats.binom.ppf(0.999, 500, 0.97)
