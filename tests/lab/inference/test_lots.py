"""What lots say follows from counting, and holds however strange the outcomes are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from passerelle.lab.inference.lots import MOST_LISTED, infer_from_lots, list_lots
from passerelle.model.errors import StudyError

ONE = np.zeros(6, dtype=np.intp)


def drawn(*cells: int, of: int = 6) -> np.ndarray:
    row = np.zeros(of, dtype=bool)
    row[list(cells)] = True
    return row


def test_all_ways_are_listed_the_one_that_came_first() -> None:
    """Two of four in one stratum and one of two in another: 6 * 2 = 12 ways, each once."""
    strata = np.array([0, 0, 0, 0, 1, 1])
    lots = list_lots(drawn(1, 3, 4), strata, seed=0)
    assert (lots.total, lots.rows.shape) == (12, (12, 6))
    assert lots.rows[0].tolist() == drawn(1, 3, 4).tolist()
    assert len({tuple(row) for row in lots.rows}) == 12
    assert set(lots.rows[:, :4].sum(axis=1)) == {2}


def test_many_ways_are_drawn_with_the_seed() -> None:
    """Ten of twenty are 184,756 ways: a sample that keeps ten in each, the same with the same seed."""
    came, strata = drawn(*range(10), of=20), np.zeros(20, dtype=np.intp)
    one, same, other = (list_lots(came, strata, seed) for seed in (1, 1, 2))
    assert (one.total, len(one.rows)) == (184_756, MOST_LISTED)
    assert set(one.rows.sum(axis=1)) == {10}
    assert (one.rows == same.rows).all()
    assert (one.rows != other.rows).any()


def test_lots_that_could_fall_one_way_tell_nothing() -> None:
    """All cells had the change."""
    with pytest.raises(StudyError, match="in one way only"):
        list_lots(drawn(*range(6)), ONE, seed=0)


def test_the_p_value_by_counting() -> None:
    """Outcomes 1, 2, 3, 4, 5, 9 with 4, 5, 9 drawn: of 20 ways only this and its opposite differ by as much: p = 2/20.

    The difference of means is 18/3 - 6/3 = 4; no p value could be smaller, so that no 95 % interval is bounded.
    """
    outcome = np.array([1.0, 2, 3, 4, 5, 9])
    found = infer_from_lots(outcome, np.ones((6, 1)), list_lots(drawn(3, 4, 5), ONE, 0), 0.95)
    assert found.effect == pytest.approx(4)
    assert (found.p_value, found.smallest_p) == (pytest.approx(0.1), pytest.approx(0.1))
    assert found.interval == (-np.inf, np.inf)


def test_the_interval_holds_what_the_test_does_not_reject() -> None:
    """At effects a little inside each end the p value, counted way by way, is above 20 %; a little outside below."""
    random = np.random.default_rng(5)
    outcome, came = random.gamma(1, 3, 7), drawn(0, 2, 5, of=7)
    found = infer_from_lots(outcome, np.ones((7, 1)), list_lots(came, np.zeros(7, dtype=np.intp), 0), 0.8)

    def counted(effect: float) -> float:
        less = outcome - effect * came
        ways = [drawn(*way, of=7) for way in combinations(range(7), 3)]
        apart = [abs(less[way].mean() - less[~way].mean()) for way in ways]
        now = abs(less[came].mean() - less[~came].mean())
        return float(np.mean([one >= now - 1e-12 for one in apart]))

    low, high = found.interval
    assert min(counted(low + 1e-6), counted(high - 1e-6)) > 0.2
    assert max(counted(low - 1e-6), counted(high + 1e-6)) <= 0.2
    assert found.p_value == pytest.approx(counted(0))


def test_what_is_adjusted_for_may_be_said_twice() -> None:
    """A column given twice changes nothing; one that is the lots themselves leaves no effect to tell."""
    random = np.random.default_rng(6)
    outcome, before = random.normal(size=8), random.normal(size=8)
    lots = list_lots(drawn(0, 1, 2, 3, of=8), np.zeros(8, dtype=np.intp), 0)
    once = infer_from_lots(outcome, np.column_stack([np.ones(8), before]), lots, 0.9)
    twice = infer_from_lots(outcome, np.column_stack([np.ones(8), before, before]), lots, 0.9)
    assert twice.effect == pytest.approx(once.effect)
    assert twice.interval == pytest.approx(once.interval)
    with pytest.raises(StudyError, match="can't be told"):
        infer_from_lots(outcome, np.column_stack([np.ones(8), lots.rows[0]]), lots, 0.9)
