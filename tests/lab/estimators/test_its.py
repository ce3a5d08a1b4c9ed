"""An interrupted time series finds the step, takes out season and weather, and its intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from passerelle.lab.estimators.its import block_length, estimate_its, harmonics
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.model.errors import StudyError


def series(outcomes: np.ndarray, start: float, **other: np.ndarray) -> Panel:
    rows = np.atleast_2d(outcomes)
    times = np.arange(float(rows.shape[1]))
    return panel(tuple(f"unit {row}" for row in range(len(rows))), times, rows, np.full(len(rows), start), **other)


def noise(count: int, *, correlation: float = 0.0, rows: int = 1, seed: int = 20210116) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(rows, count + 60))
    for time in range(1, drawn.shape[1]):
        drawn[:, time] += correlation * drawn[:, time - 1]
    return drawn[:, 60:]


def test_a_step_on_a_trend_with_seasons_and_weather() -> None:
    """A level change of 4 on a trend, a week, a year and rain is found; the same without rain in the panel is off."""
    times = np.arange(400.0)
    rain = np.random.default_rng(1).gamma(0.3, 8, 400)
    rain[240:] += 3
    week = np.tile([0.0, 1.0, 1.5, 1.0, 2.0, -6.0, -9.0], 58)[:400]
    outcome = 50 + 0.01 * times + week + 8 * np.cos(2 * np.pi * times / 365.25) - 0.5 * rain + 4.0 * (times >= 240)
    outcome = outcome + 0.1 * noise(400)[0]
    asked = Question(seasons=(7.0, 365.25))
    found = estimate_its(series(outcome, 240.0, surroundings=rain[:, None]), asked)
    assert found.effect == pytest.approx(4.0, abs=0.1)
    assert found.interval[0] < 4 < found.interval[1]
    assert estimate_its(series(outcome, 240.0), asked).effect < 3


def test_least_squares_where_errors_are_independent() -> None:
    """With thirty times a block is a time; on white noise statsmodels' OLS has nearly the same effect and error."""
    outcome = noise(30)[0] + np.where(np.arange(30) >= 18, 3.0, 0.0)
    times = np.arange(30.0)
    theirs = OLS(outcome, np.column_stack([times >= 18, np.ones(30), times])).fit()
    found = estimate_its(series(outcome, 18.0), Question())
    assert found.effect == pytest.approx(theirs.params[0], abs=0.3 * theirs.bse[0])
    assert found.se == pytest.approx(theirs.bse[0], rel=0.3)


def test_the_mean_of_the_treated_is_what_is_seen() -> None:
    """Two treated units and one that never was: the result is that of the two's mean, and counts two units."""
    rows = noise(120, rows=3)
    both = panel(("a", "b", "c"), np.arange(120.0), rows, np.array([70.0, 70.0, np.inf]))
    found, alone = (estimate_its(one, Question()) for one in (both, series(rows[:2].mean(axis=0), 70.0)))
    assert found.interval == pytest.approx(alone.interval, rel=1e-12)
    assert (found.n_units, found.n_treated, found.n_times) == (2, 2, 120)


def test_times_of_anticipation_say_nothing() -> None:
    """A unit that reacts ten times before the change has no effect on the result where ten were declared."""
    outcome = noise(100)[0]
    spoilt = outcome.copy()
    spoilt[50:60] += 50
    asked = Question(anticipation=10)
    found, clean = (estimate_its(series(one, 60.0), asked) for one in (spoilt, outcome))
    assert found.effect == clean.effect
    assert found.n_times == 90


def test_events_say_how_the_trend_changed() -> None:
    """A level change of 2 and a slope change of 0.1 a time: 2 at the start, and 0.1 for each time at the last block."""
    times = np.arange(90.0)
    outcome = 0.05 * noise(90)[0] + np.where(times >= 50, 2 + 0.1 * (times - 50), 0)
    first, last = estimate_its(series(outcome, 50.0), Question()).events
    assert (first.since, first.effect) == (0, pytest.approx(2, abs=0.1))
    assert last.effect == pytest.approx(2 + 0.1 * last.since, abs=0.1)
    # Blocks of three from 50 on; the last, of 89 alone, has less than half of its times.
    assert last.since == 37


def test_the_path_is_what_was_seen_and_what_would_have_been() -> None:
    """A step of 5 on a level of 10: the path lies at 15 after, expected at 10 within its bounds."""
    outcome = 10 + 0.1 * noise(60)[0] + np.where(np.arange(60) >= 30, 5.0, 0.0)
    path = estimate_its(series(outcome, 30.0), Question()).path
    assert path is not None
    assert path.times.tolist() == np.arange(0.5, 60, 2).tolist()
    assert path.observed[-1] == pytest.approx(15, abs=0.2)
    assert path.low[-1] < 10 < path.high[-1] < 11


def test_blocks_are_whole_weeks_where_they_can_be() -> None:
    """1000 days: blocks of 33 would be the thirtieth; 35 are five weeks. Sixty days have blocks of two."""
    assert block_length(np.arange(1000.0), (7.0, 365.25)) == 35
    assert block_length(np.arange(60.0), (7.0,)) == 2


def test_harmonics_of_a_week_are_its_weekdays() -> None:
    """Six columns and a constant fit any weekday pattern; a year of days has two pairs."""
    times = np.arange(70.0)
    weekdays = np.tile([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0], 10)
    columns = np.column_stack([np.ones(70), harmonics(times, (7.0,))])
    assert columns @ np.linalg.lstsq(columns, weekdays)[0] == pytest.approx(weekdays)
    assert harmonics(times, (365.25,)).shape == (70, 4)


def test_what_a_series_can_not_say() -> None:
    """Two starts, too little after the change, and a surrounding that is the change."""
    rows = noise(40, rows=2)
    with pytest.raises(StudyError, match="began at 2 times"):
        estimate_its(panel(("a", "b"), np.arange(40.0), rows, np.array([20.0, 30.0])), Question())
    with pytest.raises(StudyError, match="38 blocks of 1 times before and 2 after"):
        estimate_its(series(rows[0], 38.0), Question())
    dummy = (np.arange(40.0) >= 20)[:, None].astype(float)
    with pytest.raises(StudyError, match="can't be told from the calendar"):
        estimate_its(series(rows[0], 20.0, surroundings=dummy), Question())


@pytest.mark.parametrize(("count", "correlation"), [(60, 0.4), (120, 0.6), (120, 0.8)])
def test_intervals_cover(count: int, correlation: float) -> None:
    """Synthetic: of 400 AR(1) histories without a change, 92.5 to 99 % of the 95 % intervals hold zero.

    2.5 % is a little over two standard errors of a share of 95 % in 400. Newey-West's hold it in 70 to 90 %.
    """
    rows = noise(count, correlation=correlation, rows=400)
    intervals = [estimate_its(series(row, 0.6 * count), Question()).interval for row in rows]
    assert 0.925 <= np.mean([low <= 0 <= high for low, high in intervals]) <= 0.99
