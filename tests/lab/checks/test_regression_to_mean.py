"""Sites picked for being worst last year don't work wonders when nothing is done."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.simulated import case, draw, of, told

from passerelle.lab.analysis import analyse
from passerelle.lab.checks.regression_to_mean import check_regression_to_mean
from passerelle.lab.context import Context, Picked
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.verdict import Verdict, Wanted

QUESTION = Question(method="did", wanted=Wanted.DOWN)
DRAWS = 500
MOST = round(DRAWS * 0.025 + 3 * np.sqrt(DRAWS * 0.025 * 0.975))
"""Five in a hundred exclude zero by chance, half of them downwards; three binomial errors more."""


def pick_worst(seed: int, years: int, times: int = 1) -> Panel:
    """Two hundred sites over `years` of `times` and one after, no change; the twenty worst of the last had it."""
    generator = np.random.default_rng(seed)
    outcomes = 10 + generator.normal(size=(200, 1)) + 2 * generator.normal(size=(200, (years + 1) * times))
    before = years * times
    worst = np.argsort(-outcomes[:, before - times : before].mean(axis=1))
    return of(outcomes[worst], 20, before)


@pytest.mark.parametrize(("years", "times"), [(1, 1), (5, 1), (3, 12)])
def test_twenty_worst_sites_seldom_work(years: int, times: int) -> None:
    """Nobody said how sites were picked: "worked" at most at the nominal rate, in 500 draws."""
    verdicts = [analyse(pick_worst(seed, years, times), QUESTION).judgement.verdict for seed in range(DRAWS)]
    assert verdicts.count(Verdict.WORKED) <= MOST


def test_what_a_before_and_after_would_have_said() -> None:
    """The trap is real: with two years before, the interval lies below zero in 40 of 50 nulls or more."""
    assert sum(case(pick_worst(seed, 2)).result.interval[1] < 0 for seed in range(50)) >= 40


def test_declared_selection_is_left_out() -> None:
    """With the picked times left out "worked" is said as rarely, and a true effect of 2 is still found."""
    context = Context(picked=Picked(4.0, 5.0))
    nulls = [analyse(pick_worst(seed, 5), QUESTION, context) for seed in range(DRAWS)]
    assert [one.judgement.verdict for one in nulls].count(Verdict.WORKED) <= MOST
    assert nulls[0].result.n_times == 5
    city = pick_worst(1, 5)
    city.outcomes[:20, 5] -= 4
    analysis = analyse(city, QUESTION, context)
    assert analysis.judgement.verdict is Verdict.WORKED


def test_selection_with_nothing_else_to_compare() -> None:
    """The only time before is the one that sites were picked by: refuted."""
    one = case(pick_worst(1, 1), Context(picked=Picked(0.0, 1.0)))
    assert told(check_regression_to_mean(one)) == ("failed", "no_other_times")


def test_units_that_were_not_picked() -> None:
    """An effect of 4 without a dip passes; with a dip it passes only if it stands against the earlier times."""
    assert told(check_regression_to_mean(case(draw(1, effect=4)))) == ("passed", "no_dip")
    dip = draw(1, effect=4)
    dip.outcomes[:10, 20:24] -= 3
    assert told(check_regression_to_mean(case(dip))) == ("passed", "from_earlier")
    returned = draw(1)
    returned.outcomes[:10, 12:24] -= 3
    assert told(check_regression_to_mean(case(returned))) == ("failed", "returned")
