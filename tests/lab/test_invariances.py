"""No answer depends on the unit of measurement, on the level counted from, on the order of rows or on names."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.lab.analysis import Analysis, analyse
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.verdict import Wanted

from .simulated import draw

ONE_START = ("did", "twfe", "cs", "sc", "asc", "sdid", "its")
SEEDS = st.integers(0, 2**16)
FEW = settings(max_examples=2, deadline=None)
"""Each example is an analysis with all its checks."""


def city(seed: int, treated: int = 1, effect: float = 2.0) -> Panel:
    """24 places of which some have an effect in the last 8 of 40 times."""
    return draw(seed, treated, 24 - treated, 32, 8, effect=effect)


def staggered(seed: int) -> Panel:
    """Six groups' worth of places that begin at two times, and twelve that never do."""
    data = draw(seed, 12, 12, 20, 10, effect=1.0)
    return data.with_first(np.where(np.arange(24) < 6, 20.0, np.where(np.arange(24) < 12, 24.0, np.inf)))


def ask(method: str, scale: float = 1.0) -> Question:
    """A rise is wanted, of at least one standard deviation of the noise."""
    return Question(Wanted.UP, (-scale, scale), method=method)


def numbers(result: Result) -> list[float]:
    """What is on the outcome's scale."""
    return [result.effect, result.se, *result.interval]


def agree(one: Analysis, other: Analysis, factor: float, near: float) -> None:
    """The second is the first with outcomes `factor` as large."""
    expected = [value * factor for value in numbers(one.result)]
    assert numbers(other.result) == pytest.approx(expected, rel=near, abs=near * factor)
    assert other.result.p_value == pytest.approx(one.result.p_value, rel=1e-3, abs=near)
    assert other.judgement.verdict is one.judgement.verdict
    assert other.judgement.blocked_by == one.judgement.blocked_by
    assert [(check.name, check.outcome, check.reason) for check in other.result.checks] == [
        (check.name, check.outcome, check.reason) for check in one.result.checks
    ]


@pytest.mark.parametrize(
    ("method", "treated"), [*((method, 1) for method in ONE_START), ("did", 7), ("twfe", 7), ("cs", 7)]
)
@given(seed=SEEDS, exponent=st.sampled_from([-30, -3, 10, 40]))
@FEW
def test_unit_of_measurement(method: str, treated: int, seed: int, exponent: int) -> None:
    """Outcomes a power of two as large have effects as large, the same p value, checks and verdict."""
    data, factor = city(seed, treated), 2.0**exponent
    one = analyse(data, ask(method))
    agree(one, analyse(data.with_outcomes(data.outcomes * factor), ask(method, factor)), factor, 1e-9)


@pytest.mark.parametrize("method", ONE_START)
@given(seed=SEEDS, factor=st.sampled_from([1000.0, 1e-9]))
@FEW
def test_thousands(method: str, seed: int, factor: float) -> None:
    """The same of grams and of billionths, which round, for the numbers and the verdict."""
    data = city(seed)
    one = analyse(data, ask(method))
    other = analyse(data.with_outcomes(data.outcomes * factor), ask(method, factor))
    assert numbers(other.result) == pytest.approx([value * factor for value in numbers(one.result)], rel=1e-6)
    assert other.judgement.verdict is one.judgement.verdict


@pytest.mark.parametrize("method", ONE_START)
@given(seed=SEEDS, level=st.sampled_from([-1e4, 1e6, 1e9]))
@FEW
def test_level_counted_from(method: str, seed: int, level: float) -> None:
    """A constant added to all outcomes moves no effect by more than the digits it costs."""
    data = city(seed)
    one = METHODS[method](data, ask(method))
    other = METHODS[method](data.with_outcomes(data.outcomes + level), ask(method))
    assert numbers(other) == pytest.approx(numbers(one), abs=1e-12 * abs(level) + 1e-5)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-5)
    assert other.inference == one.inference


@pytest.mark.parametrize("method", ["cs", "twfe"])
@given(seed=SEEDS, level=st.sampled_from([0.0, 1e6]), factor=st.sampled_from([-1.0, 1000.0]))
@FEW
def test_several_starts(method: str, seed: int, level: float, factor: float) -> None:
    """The same where the change began at two times; the mirror image of outcomes has the mirror image of the effect."""
    data = staggered(seed)
    one = METHODS[method](data, ask(method))
    other = METHODS[method](data.with_outcomes(factor * data.outcomes + level), ask(method))
    assert other.effect == pytest.approx(factor * one.effect, abs=1e-6)
    assert sorted(other.interval) == pytest.approx(sorted(factor * end for end in one.interval), abs=1e-6)


@pytest.mark.parametrize("method", ONE_START)
@given(seed=SEEDS)
@FEW
def test_mirror(method: str, seed: int) -> None:
    """Outcomes with the other sign have the effect with the other sign."""
    data = city(seed)
    one = METHODS[method](data, ask(method))
    other = METHODS[method](data.with_outcomes(-data.outcomes), ask(method))
    assert other.effect == pytest.approx(-one.effect, abs=1e-9)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=1e-6)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-9)


@pytest.mark.parametrize("method", ONE_START)
@given(seed=SEEDS)
@FEW
def test_order_of_units(method: str, seed: int) -> None:
    """Units in another order, where nothing is drawn, have the same effect, interval and p value."""
    data = city(seed)
    order = np.random.default_rng(seed).permutation(24)
    one, other = (METHODS[method](known, ask(method)) for known in (data, data.select(order)))
    assert numbers(other) == pytest.approx(numbers(one), abs=1e-6)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-9)


@pytest.mark.parametrize("method", ONE_START)
def test_names(method: str) -> None:
    """Names, of whatever letters, change no digit."""
    data = city(5, 2)
    named = panel(tuple(f"Zürich-{row} 木" for row in range(24)), data.times, data.outcomes, data.first)
    assert numbers(METHODS[method](named, ask(method))) == numbers(METHODS[method](data, ask(method)))


def test_order_of_rows(tmp_path: Path) -> None:
    """A file's rows in any order are the same panel to the last digit."""
    data = city(6)
    rows = [
        f"{unit},{time},{value}"
        for unit, values in zip(data.units, data.outcomes.tolist(), strict=True)
        for time, value in enumerate(values)
    ]
    found = []
    for order in (np.arange(len(rows)), np.random.default_rng(1).permutation(len(rows))):
        path = tmp_path / "panel.csv"
        path.write_text("\n".join(["u,t,y", *(rows[at] for at in order)]), encoding="utf-8")
        read = read_panel(path, Columns("u", "t", "y"), treated=["place 0"], start="32").panel
        assert read.units == tuple(sorted(data.units))
        found.append(read)
    assert (found[0].outcomes == found[1].outcomes).all()
    assert (found[0].first == found[1].first).all()


@pytest.mark.parametrize("method", ONE_START)
@pytest.mark.parametrize("treated", [1, 6])
@pytest.mark.parametrize("slope", [0.0, 1e6 / 7])
def test_nothing_varies(method: str, treated: int, slope: float) -> None:
    """Units that all follow one line to the last digit, an effect on top: no interval, and no verdict.

    Levels are alike, so that synthetic control can match the treated; too few clusters is the other reason.
    """
    outcomes = np.tile(1e6 + slope * np.arange(40), (24, 1))
    outcomes[:treated, 32:] += 3 * (slope + 1)
    first = np.where(np.arange(24) < treated, 32.0, np.inf)
    known = panel(tuple(f"u{row}" for row in range(24)), np.arange(40.0), outcomes, first)
    found = analyse(known, Question(method=method))
    assert found.result.effect == pytest.approx(3 * (slope + 1), rel=1e-6)
    assert found.result.interval == (-math.inf, math.inf)
    assert found.result.p_value == 1
    assert found.judgement.blocked_by == ("too_few_units",)
    reasons = {check.name: check.reason for check in found.result.checks}
    few = found.result.inference in ("too_few_clusters", "too_few_groups")
    assert reasons["too_few_units"] == ("permutations" if few else "never_varies")


@pytest.mark.parametrize("treated", [1, 7])
def test_level_and_smallest_effect_decide_in_order(treated: int) -> None:
    """A surer interval holds a less sure one."""
    found = [METHODS["did"](city(8, treated), Question(level=level)) for level in (0.6, 0.8, 0.9)]
    widths = [one.interval[1] - one.interval[0] for one in found]
    assert widths == sorted(widths)
