"""Too few days or weeks are said, not papered over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.case import Case
from passerelle.lab.checks.too_few_units import check_inference, check_too_few_units, count_degrees
from passerelle.lab.context import Context
from passerelle.lab.estimators.episodes import estimate_episodes
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import panel
from passerelle.lab.question import Question
from passerelle.lab.result import Outcome


@pytest.mark.parametrize(("before", "after", "outcome"), [(12, 12, "passed"), (11, 40, "failed"), (40, 11, "failed")])
def test_both_sides_need_twelve(before: int, after: int, outcome: str) -> None:
    """Four blocks of three on each side; a long side doesn't make up for a short one."""
    found = check_too_few_units(np.arange(before + after) >= before)
    assert (found.outcome, found.numbers["before"], found.numbers["after"]) == (Outcome(outcome), before, after)


def test_clusters_of_a_panel() -> None:
    """A t statistic of ten clusters and more on a side is enough; by another inference two of thirty are not."""
    assert told(check_inference(case(draw(1)))) == ("passed", "enough_clusters")
    few = case(draw(1, 2, 30))
    result = replace(few.result, inference="cluster_scores", smallest_p=0.0)
    assert told(check_inference(replace(few, result=result))) == ("failed", "few_clusters")


@pytest.mark.parametrize(
    ("count", "outcome"), [(5, ("failed", "too_few_episodes")), (6, ("not_applicable", "by_the_method"))]
)
def test_five_episodes_are_too_few(count: int, outcome: tuple[str, str]) -> None:
    """With five there is no interval; the t statistic of six counts with how few they are."""
    outcomes = np.array([[0.0, 1.0 + at] for at in range(count)])
    spells = panel(tuple(map(str, range(count))), np.array([0.0, 1.0]), outcomes, np.ones(count))
    one = case(draw(1))
    result = estimate_episodes(spells, Question())
    assert told(check_inference(replace(one, panel=spells, result=result))) == outcome


def test_degrees_of_freedom_by_hand() -> None:
    """3 against 3: (2/3)^2 / (2 / 18) = 4; 2 against 50: 0.52^2 / (0.25 + 0.00000816) = 1.08; one has none."""
    assert count_degrees(3, 3) == pytest.approx(4)
    assert count_degrees(2, 50) == pytest.approx(1.0816, abs=1e-4)
    assert count_degrees(1, 50) == 0


def test_a_permutation_at_five_percent_needs_twenty() -> None:
    """With 19 the smallest p is 1 / 19 = 0.053, with 20 it is 0.05."""
    one = case(draw(1))
    for count, outcome in ((19, ("failed", "permutations")), (20, ("passed", "enough_permutations"))):
        result = replace(one.result, smallest_p=1 / count)
        found = check_inference(replace(one, result=result))
        assert told(found) == outcome
        assert found.numbers["needed"] == 20


@pytest.mark.parametrize(
    ("times", "outcome"), [(19, ("failed", "permutations")), (20, ("not_applicable", "gaps_of_other_times"))]
)
def test_gaps_of_other_times_are_no_tick(times: int, outcome: tuple[str, str]) -> None:
    """The gap after among those of 20 windows reaches 5 %, and is right only where gaps are steady: no tick."""
    one = case(draw(1))
    result = replace(one.result, inference="gaps_of_other_times", smallest_p=1 / times)
    assert told(check_inference(replace(one, result=result))) == outcome


@pytest.mark.parametrize(
    ("before", "told_of"), [(39, ("failed", "too_few_times")), (40, ("not_applicable", "by_the_method"))]
)
def test_a_short_series_is_told(before: int, told_of: tuple[str, str]) -> None:
    """The interval of an interrupted series was tried out from 60 times on; 59 are too few where it is asked for."""
    city = draw(1, 2, 0, before, 20)
    asked = Question(method="its")
    check = check_inference(Case(city, asked, Context(), METHODS["its"](city, asked), METHODS["its"], compares=False))
    assert told(check) == told_of
