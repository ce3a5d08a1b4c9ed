"""Placebo places: their p value is right when nothing happened, and no finer than their number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.placebo_places import check_placebo_places, rank_places
from passerelle.lab.inference.aligned import align
from passerelle.lab.panel import Panel


def share(city: Panel) -> float:
    aligned = align(city)
    assert aligned is not None
    real, placebos = rank_places(aligned, seed=1)
    return ((placebos >= real).sum() + 1) / (len(placebos) + 1)


@pytest.mark.parametrize(("treated", "comparison"), [(1, 19), (4, 30), (12, 16)])
def test_p_value_under_no_effect(treated: int, comparison: int) -> None:
    """Of 300 simulated nulls a tenth has p <= 0.1, within 3 binomial errors (0.052), by either way of drawing."""
    values = [share(draw(seed, treated, comparison, 16, 8)) for seed in range(300)]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.052)


def test_p_is_no_finer_than_the_number_of_places() -> None:
    """One treated of twenty with an enormous effect: 1 / 20, and not less."""
    assert share(draw(1, 1, 19, effect=1000)) == pytest.approx(1 / 20)


def test_an_effect_that_other_places_show_too() -> None:
    """Two of thirty-two rise by 3, and two thirds of the others move by 5: refuted whatever it is said to be."""
    city = draw(2, 2, 30, effect=3)
    city.outcomes[2:12, 24:] += 5
    city.outcomes[12:22, 24:] -= 5
    one = case(city)
    effect = one.result.effect
    sure = replace(one, result=replace(one.result, interval=(effect - 0.1, effect + 0.1)))
    assert told(check_placebo_places(sure)) == ("failed", "common")


def test_an_effect_of_the_treated_alone() -> None:
    """Passed where places abound; with ten places it confirms nothing, and one larger refutes."""
    assert told(check_placebo_places(case(draw(3, effect=3)))) == ("passed", "rare")
    assert told(check_placebo_places(case(draw(3)))) == ("not_applicable", "no_effect_claimed")


def test_with_one_time_before_effects_alone_are_ranked() -> None:
    """Of one time before nothing says how places ran: a huge effect is the largest of 200; p of nulls is right."""
    assert share(draw(1, 4, 30, 1, 2, effect=1000)) == pytest.approx(1 / 200)
    values = [share(draw(seed, 4, 30, 1, 2)) for seed in range(300)]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.052)
