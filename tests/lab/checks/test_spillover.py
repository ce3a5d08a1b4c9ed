"""What a change moves to the next street is not compared with."""

from __future__ import annotations

import numpy as np
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.spillover import check_spillover
from passerelle.lab.context import Context

DISTANCES = np.r_[np.zeros(10), np.full(6, 200.0), np.full(18, 900.0)]
RING = Context(distances=DISTANCES, near=500.0)


def test_near_units_that_gained_what_the_treated_lost() -> None:
    """Six near places rise by 3 as the treated fall by 3: the ring moved."""
    city = draw(1, effect=-3)
    city.outcomes[10:16, 24:] += 3
    assert told(check_spillover(case(city, RING))) == ("failed", "ring_moved")


def test_near_units_that_stayed() -> None:
    """An effect of 3 that is the same without the ring; one of 0.1 might have spilled over unseen."""
    found = check_spillover(case(draw(1, effect=3), RING))
    assert told(found) == ("passed", "same_without")
    assert (found.numbers["near"], found.numbers["far"]) == (6, 18)
    assert told(check_spillover(case(draw(1, effect=0.1), RING)))[0] == "not_applicable"


def test_where_rings_say_nothing() -> None:
    """Distances nobody gave; a ring that holds nobody; one that holds all. Without a ring the nearest quarter is it."""
    city = draw(1, effect=3)
    assert told(check_spillover(case(city))) == ("not_applicable", "no_distances")
    assert told(check_spillover(case(city, Context(distances=DISTANCES, near=9.0)))) == ("not_applicable", "none_near")
    assert told(check_spillover(case(city, Context(distances=DISTANCES, near=5e3)))) == ("not_applicable", "no_far")
    assert check_spillover(case(city, Context(distances=DISTANCES))).numbers["near"] == 6


def test_chance_alone() -> None:
    """Of 400 nulls one in a hundred fails; more than 10 would be three binomial errors and a half."""
    failed = [check_spillover(case(draw(seed), RING)).reason == "ring_moved" for seed in range(400)]
    assert sum(failed) <= 10
