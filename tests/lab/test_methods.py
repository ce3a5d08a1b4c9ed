"""The method follows from the design, never from the answer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.lab.methods import METHODS, RULES, Design, choose, follow
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Assignment, Question
from passerelle.model.errors import StudyError, UnknownNameError
from passerelle.studies.told.words import texts


def make(treated: int, others: int, before: int, after: int, starts: int = 1) -> Panel:
    count = treated + others
    first = np.where(np.arange(count) < treated, before + np.arange(count) % starts, np.inf)
    outcomes = np.random.default_rng(0).normal(size=(count, before + after))
    return panel(tuple(f"u{one}" for one in range(count)), np.arange(float(before + after)), outcomes, first)


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        (Design(Assignment.CLUSTERS, 4, 4, 1, 5, 5, True), "clusters_drawn"),
        (Design(Assignment.SWITCHBACK, 4, 4, 3, 5, 5, True), "periods_drawn"),
        (Design(Assignment.OBSERVED, 4, 4, 3, 5, 5, True), "several_starts"),
        (Design(Assignment.OBSERVED, 4, 0, 3, 5, 5, True), "began_in_turn"),
        (Design(Assignment.OBSERVED, 1, 0, 1, 100, 5, True), "no_comparison"),
        (Design(Assignment.OBSERVED, 1, 38, 1, 19, 12, True), "few_with_long_history"),
        (Design(Assignment.OBSERVED, 4, 5, 1, 12, 1, True), "few_with_long_history"),
        (Design(Assignment.OBSERVED, 1, 18, 1, 19, 12, True), "few_short"),
        (Design(Assignment.OBSERVED, 1, 38, 1, 11, 12, True), "few_short"),
        (Design(Assignment.OBSERVED, 1, 38, 1, 19, 12, False), "few_short"),
        (Design(Assignment.OBSERVED, 1, 38, 1, 19, 12, True, False), "few_short"),
        (Design(Assignment.OBSERVED, 5, 38, 1, 19, 12, True), "one_start"),
        (Design(Assignment.OBSERVED, 5, 1, 1, 1, 1, True), "one_start"),
    ],
)
def test_rules(design: Design, reason: str) -> None:
    """Each rule has designs in which it is the first to hold."""
    assert next(rule[0] for rule in RULES if rule[2](design, 0.95)) == reason


@given(
    treated=st.integers(1, 8),
    others=st.integers(1, 30),
    before=st.integers(1, 20),
    starts=st.integers(1, 3),
    absent=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_outcomes_never_decide(treated: int, others: int, before: int, starts: int, absent: bool, seed: int) -> None:
    """Whatever the outcomes are, the same cells being absent, the choice is the same."""
    data = make(treated, others, before, 4, starts)
    random = np.random.default_rng(seed)
    hole = np.where(random.random(data.outcomes.shape) < 0.1 * absent, np.nan, 1.0)
    other = random.standard_cauchy(data.outcomes.shape) * 10.0 ** random.integers(-9, 9)
    one = choose(data.with_outcomes(data.outcomes * hole), Question())
    assert one == choose(data.with_outcomes(other * hole), Question())


def test_clusters_count_not_units() -> None:
    """Eight treated units of two clusters are two."""
    data = make(8, 30, 5, 5)
    clusters = np.concatenate([np.arange(8) % 2, 2 + np.arange(30)])
    grouped = panel(data.units, data.times, data.outcomes, data.first, clusters=clusters)
    assert choose(data, Question()).reason == "one_start"
    assert choose(grouped, Question()).reason == "few_short"


def test_what_is_lacking_is_said() -> None:
    """Nothing before, nothing to compare with, no change at all, a name that is no method."""
    with pytest.raises(StudyError, match="from the first time on"):
        choose(make(3, 3, 0, 4), Question())
    with pytest.raises(StudyError, match="24 times: units to compare with are needed, or 60"):
        choose(make(1, 0, 20, 4), Question())
    with pytest.raises(StudyError, match="no unit had the change"):
        choose(make(0, 3, 2, 2), Question())
    with pytest.raises(UnknownNameError, match="auto, cluster_randomised, cs, did"):
        choose(make(3, 3, 2, 2), Question(method="magic"))


def test_a_method_that_is_named_is_taken() -> None:
    """Even where another follows."""
    assert choose(make(3, 3, 2, 2), Question(method="twfe")).reason == "asked"


def test_every_rule_and_method_has_words(checkout: Path) -> None:
    """Each rule has a sentence and a row in docs/lab.md in the same order, each method its name and comparison."""
    page = (checkout / "docs/lab.md").read_text(encoding="utf-8").partition("## Which method")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| `(\w+)`", page, flags=re.MULTILINE)
    assert rows == [(reason, method) for reason, method, _ in RULES]
    assert {reason for reason, _, _ in RULES} < texts()["choice"].keys()
    assert METHODS.keys() <= texts()["method"].keys()
    assert METHODS.keys() <= texts()["comparison"].keys()
    assert follow(Design(Assignment.OBSERVED, 9, 9, 1, 9, 9, True), 0.95).method == "did"
