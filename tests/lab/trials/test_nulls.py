"""A method's promises are counted on histories in which nothing was done."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.analysis import analyse
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.trials.nulls import Nulls, find_nulls, judge_placebo, spans
from passerelle.lab.trials.placebos import Shape, draw_placebos
from passerelle.lab.trials.power import SHOWN
from passerelle.lab.verdict import INTERVAL_TOO_WIDE


def history(units: int, times: int, *, memory: float, seed: int = 3) -> Panel:
    """Units around 100 whose times remember the one before by `memory`."""
    noise = np.random.default_rng(seed).normal(size=(units, times))
    for time in range(1, times):
        noise[:, time] += memory * noise[:, time - 1]
    names = tuple(f"u{one}" for one in range(units))
    return panel(names, np.arange(float(times)), 100 + noise, np.full(units, np.inf))


def test_a_series_that_keeps_its_level() -> None:
    """An interrupted time series of 30 and 30 times: no surely broken promise, and a fifth of 100 is always seen."""
    found = find_nulls(history(12, 400, memory=0.3), Question(method="its"), Shape(1, 30, 30), studies=16)
    assert found.holds(0.95)
    # The binomial's 99.9 % quantile for 16 at 5 % is 5.
    assert found.false_alarms <= 1 - found.coverage <= 5 / 16
    assert found.power >= 0.9 * (1 - found.barred)
    assert (found.studies, found.failed) == (16, 0)
    assert 2 <= found.units <= 12
    assert found.stretches <= 7
    # A twentieth of the mean at most: 100 with a spread of one.
    assert found.width < 0.05


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        ("did", Shape(2, 24, 12)),
        ("did", Shape(5, 24, 12)),
        ("did", Shape(10, 24, 12)),
        ("cs", Shape(6, 24, 12, 2)),
        ("sc", Shape(2, 32, 4)),
        ("asc", Shape(2, 32, 4)),
        ("sdid", Shape(2, 24, 12)),
        ("its", Shape(1, 40, 30)),
    ],
)
def test_one_estimate_serves_with_and_without_an_effect(method: str, shape: Shape) -> None:
    """The result moved by an effect is the method's own where the effect is in the outcomes, verdict and all."""
    asked = Question(method=method)
    units = 20 if shape.count == 10 else 11
    for placebo in draw_placebos(history(units, 300, memory=0.3), shape, 2, 5):
        plain, raised = analyse(placebo.panel, asked), analyse(placebo.raised(1.5), asked)
        moved, real = METHODS[method](placebo.panel, asked).moved(1.5), raised.result
        assert (moved.effect, *moved.interval) == pytest.approx((real.effect, *real.interval), abs=1e-6)
        found = judge_placebo(placebo, asked, 1.5)
        assert found.shown == (plain.judgement.verdict in SHOWN)
        assert found.found == (raised.judgement.verdict in SHOWN)
        assert found.found_barred == tuple(name for name in raised.judgement.blocked_by if name != INTERVAL_TOO_WIDE)


def nulls(alarms: tuple[float, float], coverage: tuple[float, float]) -> Nulls:
    return Nulls(
        studies=100,
        false_alarms=0.1,
        false_alarm_bounds=alarms,
        coverage=0.9,
        coverage_bounds=coverage,
        alarms_unchecked=0.1,
        width=1.0,
        unbounded=0.0,
        barred=0.0,
        wide=0.5,
        no_effect=0.0,
        failed=0.0,
        power=0.5,
        power_barred=0.0,
        units=5,
        stretches=5,
    )


@pytest.mark.parametrize(
    ("alarms", "coverage", "holds"),
    [((0.04, 0.2), (0.8, 0.96), True), ((0.06, 0.2), (0.8, 0.96), False), ((0.04, 0.2), (0.8, 0.94), False)],
)
def test_a_broken_promise_is_one_that_chance_does_not_explain(
    alarms: tuple[float, float], coverage: tuple[float, float], holds: bool
) -> None:
    """At 95 %: false alarms surely above 5 %, or coverage surely below 95 %."""
    assert nulls(alarms, coverage).holds(0.95) is holds


def test_spans_are_half_open() -> None:
    """2 to before 4, and from 6 on."""
    assert np.flatnonzero(spans(history(1, 8, memory=0), ((2, 4), (6, np.inf)))).tolist() == [2, 3, 6, 7]
