"""A weighed comparison made again gives what the method gives, and small cases by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import draw, told

from passerelle.lab.case import Case
from passerelle.lab.checks.leave_one_out import check_leave_one_out
from passerelle.lab.checks.placebo_dates import check_dates
from passerelle.lab.checks.placebo_places import check_placebo_places
from passerelle.lab.context import Context
from passerelle.lab.estimators.synthetic_control import contrast_sc
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.weights.refit import CONTRASTS, Refit
from passerelle.lab.weights.synthetic import Setting


def weighed(city: Panel, method: str = "sc") -> Case:
    question = Question(method=method)
    return Case(city, question, Context(), METHODS[method](city, question), METHODS[method], contrast=CONTRASTS[method])


def like_the_others(seed: int, effect: float) -> Panel:
    """One treated place of thirty-one that is the mean of three others, but for small noise and the effect."""
    city = draw(seed, 1, 30, 40, 10)
    city.outcomes[0] = city.outcomes[1:4].mean(axis=0) + 0.1 * np.random.default_rng(seed).normal(size=50)
    city.outcomes[0, 40:] += effect
    return city


@pytest.mark.parametrize("method", sorted(CONTRASTS))
def test_made_again_it_is_the_method(method: str) -> None:
    """The effect without an inference is that with one, to the digits, of `asc` where it mends."""
    city = like_the_others(1, 3)
    city.outcomes[0] += 2 * city.outcomes[1]
    one = weighed(city, method)
    assert one.refit is not None
    assert one.refit.effect() == pytest.approx(one.result.effect, abs=1e-12)


def test_weight_lies_on_three_places() -> None:
    """Leaving out one of the three with weight moves the effect; the sign stays, and the check tells the range."""
    one = weighed(like_the_others(1, 3))
    assert one.refit is not None
    rows, shifts = one.refit.without_each()
    assert {1, 2, 3} <= set(rows.tolist())
    assert (shifts != 0).all()
    found = check_leave_one_out(one)
    assert found.outcome != "failed"
    assert found.numbers["lowest"] <= one.result.effect + shifts.min() + 1e-9


def test_ranks_are_the_inference() -> None:
    """With thirty-one places the p value of the result is its rank, 1 / 31."""
    found = check_placebo_places(weighed(like_the_others(1, 3)))
    assert told(found) == ("passed", "ranked_high")
    assert found.numbers["share"] == pytest.approx(1 / 31)


def test_an_earlier_date_that_shows_as_much() -> None:
    """A comparison weighed up to ten times before the change shows 5 over these: an effect of 3 is refuted."""
    city = like_the_others(2, 3)
    assert told(check_dates(weighed(city))) == ("not_applicable", "smaller_gaps")
    city.outcomes[0, 30:40] += 5
    one = weighed(city)
    claimed = replace(one.result, interval=(one.result.effect - 1, one.result.effect + 1))
    found = check_dates(replace(one, result=claimed))
    assert told(found) == ("failed", "larger_gap")
    assert found.numbers["largest"] == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("method", sorted(CONTRASTS))
def test_left_out_together_or_one_by_one(method: str) -> None:
    """Units barred in one problem of many are units that were never there, but for what a ridge of fewer would move."""
    one = weighed(like_the_others(1, 3), method)
    assert one.refit is not None
    rows, shifts = one.refit.without_each()
    every = np.arange(31)
    alone = [one.refit.effect(one.refit.setting.keep(every != row)) - one.refit.effect() for row in rows]
    assert shifts == pytest.approx(alone, abs=1e-2 if method == "sdid" else 1e-5)


def test_many_dates_are_looked_at_evenly() -> None:
    """Of 200 dates 99: the first, then every second or third; of a date with three times before, nothing."""
    random = np.random.default_rng(4)
    setting = Setting(("a", "b", "c"), random.normal(size=(3, 220)), np.zeros((3, 1)), np.arange(3) == 0)
    refit = Refit(setting, contrast_sc)
    dates = list(range(219, 19, -1))
    found = refit.at_dates(dates, 1)
    assert len(found) == 99
    assert found[0] == refit.at_dates([219], 1)[0]
    assert found[98] == refit.at_dates([dates[98 * 200 // 99]], 1)[0]
    assert not len(refit.at_dates([3], 1))
