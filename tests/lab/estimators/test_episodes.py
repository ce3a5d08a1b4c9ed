"""The units are episodes, and few of them say little."""

from __future__ import annotations

import math

import numpy as np
import pytest

from passerelle.lab.estimators.episodes import FEWEST, estimate_episodes
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.model.errors import StudyError


def episodes(*changes: float) -> Panel:
    outcomes = np.array([[10.0 + at, 10.0 + at + change] for at, change in enumerate(changes)])
    units = tuple(f"e{at}" for at in range(len(changes)))
    return panel(units, np.array([0.0, 1.0]), outcomes, np.ones(len(units)))


def test_by_hand() -> None:
    """Changes 1, 2, 3, 4, 5, 6: mean 3.5; squares 17.5 / 5 = 3.5; error sqrt(3.5 / 6) = 0.763763.

    t of 97.5 % with five degrees of freedom is 2.570582 (any table), so that the interval is 3.5 ± 1.963315; t = 4.5826
    has the two-sided p value 0.005934.
    """
    found = estimate_episodes(episodes(1, 2, 3, 4, 5, 6), Question())
    assert found.effect == 3.5
    assert found.se == pytest.approx(0.763763, abs=1e-6)
    assert found.interval == pytest.approx((1.536685, 5.463315), abs=1e-5)
    assert found.p_value == pytest.approx(0.005934, abs=1e-5)
    assert (found.n_units, found.n_treated) == (6, 6)


def test_levels_do_not_matter() -> None:
    """Only differences within an episode count: adding to an episode's both times changes nothing."""
    first = episodes(1, 2, 3, 4, 5, 7)
    moved = panel(first.units, first.times, first.outcomes + np.arange(6)[:, None] * 50, first.first)
    assert estimate_episodes(moved, Question()).se == pytest.approx(estimate_episodes(first, Question()).se)


def test_few_episodes_bound_nothing() -> None:
    """With five the interval is infinite, whatever they are; six have one."""
    few = estimate_episodes(episodes(*[5.0, 5.1, 4.9, 5.0, 5.2]), Question())
    assert few.interval == (-math.inf, math.inf)
    assert (few.p_value, few.smallest_p, few.inference) == (1.0, 1.0, "too_few_episodes")
    assert FEWEST == 6


def test_only_two_times_are_episodes() -> None:
    """A panel of three times, or of units that never had the change, is another design's."""
    three = panel(("a", "b"), np.arange(3.0), np.zeros((2, 3)), np.ones(2))
    never = panel(("a", "b"), np.arange(2.0), np.zeros((2, 2)), np.array([1.0, math.inf]))
    for wrong in (three, never):
        with pytest.raises(StudyError, match="around and within"):
            estimate_episodes(wrong, Question())


@pytest.mark.parametrize(("count", "alike", "least", "most"), [(6, 0.0, 0.93, 0.96), (12, 0.4, 0.95, 0.99)])
def test_the_interval_holds_the_truth(count: int, alike: float, least: float, most: float) -> None:
    """Two days in five against the same weekdays two weeks around, no effect, 2,000 histories of days alike or not.

    `count` episodes; the shares of the estimator's docstring, within three errors of 2,000 draws (1.5 points).
    """
    rng = np.random.default_rng(1)
    starts = [14 + 5 * at for at in range(count)]
    taken = {day for start in starts for day in (start, start + 1)}
    width = 5 * count + 38
    weights = np.zeros((count, width))
    for at, start in enumerate(starts):
        for day in (start, start + 1):
            around = [one for one in range(start - 14, start + 16) if one not in taken and (one - day) % 7 == 0]
            weights[at, day] += 0.5
            weights[at, around] -= 0.5 / len(around)
    noise = rng.normal(size=(2000, width))
    for day in range(1, width):
        noise[:, day] = alike * noise[:, day - 1] + math.sqrt(1 - alike**2) * noise[:, day]
    held = [estimate_episodes(episodes(*changes), Question()).interval for changes in noise @ weights.T]
    assert least <= np.mean([low <= 0 <= high for low, high in held]) <= most
