"""Two changes on the same places at the same time can't be separated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.analysis import analyse
from passerelle.lab.checks.overlap import check_overlap
from passerelle.lab.context import Context, OtherChange
from passerelle.lab.panel import panel
from passerelle.lab.question import Question
from passerelle.lab.verdict import Verdict

PLACES = np.arange(34)


def other(units: np.ndarray, start: float, end: float = np.inf) -> Context:
    return Context(others=(OtherChange("works on the bridge", units, start, end),))


def test_two_works_on_the_same_streets() -> None:
    """An effect beyond doubt is not told from another change two times later: cannot tell yet, blocked by overlap."""
    analysis = analyse(draw(1, effect=4), Question(method="did"), other(PLACES < 10, 26.0))
    assert analysis.judgement.verdict is Verdict.CANNOT_TELL_YET
    assert analysis.judgement.blocked_by == ("overlap",)


@pytest.mark.parametrize(
    ("context", "outcome"),
    [
        (Context(), ("not_applicable", "not_known")),
        (Context(others=()), ("passed", "none")),
        (other(PLACES < 10, 26.0), ("failed", "cannot_separate")),
        (other(PLACES < 10, 1.0, 20.0), ("failed", "cannot_separate")),
        # Over before the first time, or begun after the last, or in force all along: no part of the contrast.
        (other(PLACES < 10, -9.0, -1.0), ("passed", "none")),
        (other(PLACES < 10, 36.0), ("passed", "none")),
        (other(PLACES < 10, -9.0), ("passed", "none")),
        (other(PLACES >= 0, 26.0), ("passed", "none")),
        (other(PLACES < 3, 26.0), ("passed", "same_without")),
        (other(PLACES > 30, 26.0), ("passed", "same_without")),
        (other(PLACES >= 10, 26.0), ("failed", "no_comparison")),
    ],
)
def test_where_and_when_it_overlaps(context: Context, outcome: tuple[str, str]) -> None:
    """Only a change that began or ended within the times, at some units and not at all, and needed for the claim."""
    assert told(check_overlap(case(draw(1, effect=4), context))) == outcome


def test_without_a_comparison_nothing_is_shared() -> None:
    """All ten places are compared with their own past: another change that came to all is not told from theirs."""
    with_all = case(draw(1, effect=4), other(PLACES[:10] >= 0, 26.0))
    alone = replace(with_all, panel=with_all.panel.select(PLACES < 10))
    assert told(check_overlap(alone)) == ("failed", "cannot_separate")


def test_the_effect_was_the_other_change() -> None:
    """Only the treated places that had the other change moved: without them nothing is left."""
    city = draw(2, 22, 24)
    city.outcomes[:12, 24:] += 4
    assert told(check_overlap(case(city, other(np.arange(46) < 12, 24.0)))) == ("failed", "not_without")


@pytest.mark.parametrize(
    ("touched", "outcome"),
    [
        (10, ("failed", "all_episodes")),
        # Six episodes give an interval, five none.
        (5, ("failed", "not_without_episodes")),
        (4, ("passed", "same_without_episodes")),
        (0, ("passed", "none")),
    ],
)
def test_episodes_without_those_touched(touched: int, outcome: tuple[str, str]) -> None:
    """Ten episodes, each 3 above the days around but for a small remainder, claim an effect as long as six are left."""
    ten = np.arange(10)
    strikes = panel(
        tuple(map(str, ten)), np.array([0.0, 1.0]), np.column_stack([ten, ten + 3 + 0.1 * (-1.0) ** ten]), np.ones(10)
    )
    analysis = analyse(strikes, Question(method="episodes"), other(ten < touched, 1.0))
    assert [told(one) for one in analysis.result.checks if one.name == "overlap"] == [outcome]
