"""A reaction before the date refutes the date."""

from __future__ import annotations

from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.anticipation import check_anticipation
from passerelle.lab.question import Question


def test_units_that_moved_on_the_eve() -> None:
    """The treated rise by 2 in the last four of 24 times; declared as anticipation, these are left out."""
    city = draw(1, effect=4)
    city.outcomes[:10, 20:24] += 2
    assert told(check_anticipation(case(city))) == ("failed", "moved")
    assert told(check_anticipation(case(city, question=Question(method="did", anticipation=4)))) == ("passed", "still")


def test_units_that_did_not() -> None:
    """A large effect passes; a small one could have hidden an early reaction of its own size; two times say nothing."""
    assert told(check_anticipation(case(draw(1, effect=4)))) == ("passed", "still")
    assert told(check_anticipation(case(draw(1, effect=0.1)))) == ("not_applicable", "blind")
    assert told(check_anticipation(case(draw(1, before=3)))) == ("not_applicable", "too_short")


def test_chance_alone() -> None:
    """Of 400 nulls one in a hundred fails; more than 10 would be three binomial errors and a half."""
    failed = [check_anticipation(case(draw(seed, 10, 16, 20, 5))).outcome == "failed" for seed in range(400)]
    assert sum(failed) <= 10
