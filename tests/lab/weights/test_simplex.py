"""Weights on the simplex are the best there are, however they are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from passerelle.lab.panel import Floats
from passerelle.lab.weights.simplex import project_to_simplex, solve_simplex, solve_simplex_many
from passerelle.model.errors import InvalidValueError

problems = st.tuples(st.integers(2, 12), st.integers(1, 30), st.integers(0, 2**32 - 1))


def draw(units: int, times: int, seed: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    columns, series = random.normal(size=(times, units)), random.normal(size=times)
    return columns.T @ columns, columns.T @ series


@given(problems)
@settings(deadline=None, max_examples=150)
def test_the_conditions_of_the_optimum_hold(problem: tuple[int, int, int]) -> None:
    """Karush, Kuhn and Tucker: no weight below zero, sum one, no unit off the support worth more than those on it."""
    gram, target = draw(*problem)
    weights = solve_simplex(gram, target)
    slope = gram @ weights - target
    size = np.abs(gram).max() + np.abs(target).max()
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert slope.min() >= weights @ slope - 1e-10 * size
    assert np.abs(slope[weights > 0] - weights @ slope).max() <= 1e-10 * size


@given(problems)
@settings(deadline=None, max_examples=40)
def test_scipy_finds_nothing_better(problem: tuple[int, int, int]) -> None:
    """Sequential quadratic programming ends no lower than 1e-8 below, and near it."""
    gram, target = draw(*problem)
    count = len(target)

    def height(weights: Floats) -> float:
        return float(weights @ gram @ weights / 2 - target @ weights)

    theirs = minimize(
        height,
        np.full(count, 1 / count),
        jac=lambda weights: gram @ weights - target,
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    ours = height(solve_simplex(gram, target))
    assert ours <= theirs.fun + 1e-8
    assert ours == pytest.approx(theirs.fun, abs=1e-5)


@given(st.integers(3, 25), st.integers(2, 60), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_many_are_each_as_one(units: int, times: int, seed: int) -> None:
    """Solved together, each unit from the others, the problems have the heights they have one by one."""
    gram, _ = draw(units, times, seed)
    own = np.eye(units, dtype=bool)
    together = solve_simplex_many(gram, gram, own)
    alone = np.column_stack([solve_simplex(gram, gram[:, one], own[:, one]) for one in range(units)])
    heights = [np.einsum("ib,ib->b", each, gram @ each / 2 - gram) for each in (together, alone)]
    assert heights[0] == pytest.approx(heights[1], abs=1e-9 * np.abs(gram).max())
    assert not together[own].any()


def test_three_by_hand() -> None:
    """Points 0, 1 and 5 on a line: 2 is 3/4 of the second and 1/4 of the third, or any mixture; 7 is nearest to 5."""
    line = np.array([[0.0, 1.0, 5.0]])
    found = solve_simplex(line.T @ line, line[0] * 2)
    assert line @ found == pytest.approx(2)
    assert solve_simplex(line.T @ line, line[0] * 7).tolist() == [0, 0, 1]


def test_units_that_are_the_same() -> None:
    """Columns that depend on each other, even equal ones, have a solution too."""
    random = np.random.default_rng(5)
    one = random.normal(size=(20, 1))
    columns = np.hstack([one, one, one + 1, random.normal(size=(20, 2))])
    weights = solve_simplex(columns.T @ columns, columns.T @ one[:, 0])
    assert columns @ weights == pytest.approx(one[:, 0], abs=1e-8)


def test_the_nearest_point_by_hand() -> None:
    """(0.8, 0.6) is 0.2 off each; (3, 0) and its like are a corner; -inf has no part."""
    found = project_to_simplex(np.array([[0.8, 3.0, -np.inf], [0.6, 0.0, 0.0]]))
    assert found.tolist() == [[pytest.approx(0.6), 1, 0], [pytest.approx(0.4), 0, 1]]


def test_progress_is_told() -> None:
    """Each problem that is done is counted."""
    told: list[tuple[int, int]] = []
    solve_simplex_many(np.eye(3), np.eye(3), progress=lambda done, all_: told.append((done, all_)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_nobody_left() -> None:
    """Weights that may be nowhere are refused."""
    with pytest.raises(InvalidValueError, match="no unit is left"):
        solve_simplex_many(np.eye(2), np.eye(2), np.ones((2, 2), dtype=bool))
