"""Synthetic difference in differences gives the published effect, and diff-diff's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from diff_diff import SyntheticDiD

from passerelle.lab.estimators.synthetic_did import Times, estimate_sdid, make_placebos
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.weights.synthetic import Setting, read_setting

from .references import read_proposition_99


def factors(units: int, seed: int, treated: int = 2) -> Panel:
    random = np.random.default_rng(seed)
    outcomes = random.normal(size=(units, 2)) @ np.cumsum(random.normal(size=(2, 30)), axis=1)
    outcomes += random.normal(0, 0.5, (units, 30))
    first = np.where(np.arange(units) < treated, 22.0, np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(30.0), outcomes, first)


def theirs(known: Panel) -> float:
    long = pl.DataFrame(
        {
            "unit": np.repeat(known.units, len(known.times)),
            "time": np.tile(known.times.astype(int), len(known.units)),
            "y": known.outcomes.ravel(),
            "treated": np.repeat(known.treated.astype(int), len(known.times)),
        }
    )
    after = [int(time) for time in known.times if time >= known.starts[0]]
    fitted = SyntheticDiD(variance_method="placebo", n_bootstrap=20, seed=1).fit(
        long.to_pandas(), outcome="y", treatment="treated", unit="unit", time="time", post_periods=after
    )
    return float(fitted.att)


def test_proposition_99(shared_data: Path) -> None:
    """-15.604 packs as published; ours is the exact optimum, -15.6054, where theirs stops nearby.

    The published error of 8.4 is of 200 states drawn with repeats; all 38 give 9.4; of 2,000 times 200 of them drawn,
    one in twenty gives less than 8.3 and one in twenty more than 10.4.
    """
    known = read_proposition_99(shared_data)
    found = estimate_sdid(known, Question())
    assert found.effect == pytest.approx(-15.604, abs=1e-2)
    placebos, _ = make_placebos(read_setting(known, Question(), "sdid"), 0)
    assert len(placebos) == 38
    random = np.random.default_rng(0)
    drawn = [np.std(random.choice(placebos, 200)) for _ in range(2000)]
    assert np.quantile(drawn, 0.05) < 8.42 < np.quantile(drawn, 0.95)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_diff_diff_agrees(seed: int) -> None:
    """The library's effect is ours to a hundredth of the noise, since it stops before the optimum."""
    known = factors(25, seed)
    assert estimate_sdid(known, Question()).effect == pytest.approx(theirs(known), abs=0.01)


def test_as_many_treated_as_not() -> None:
    """Without two separate groups to take as placebos there is no interval, and the inference says so."""
    found = estimate_sdid(factors(7, 1, treated=4), Question())
    assert (found.interval, found.inference) == ((-math.inf, math.inf), "too_few_groups")


def test_intervals_with_many_more_times_than_units() -> None:
    """Of 40 panels without an effect 33 or more intervals hold it: were it 95 %, fewer would in 3 of 10,000 (binomial).

    A placebo whose weights of times had seen what came after for it would make errors too small by a half: 21 of 40.
    """
    random = np.random.default_rng(3)
    held = 0
    for _ in range(40):
        outcomes = random.normal(0, 2, (15, 1)) + random.normal(size=(15, 3)) @ random.normal(size=(3, 130))
        outcomes += random.normal(size=outcomes.shape)
        first = np.where(np.arange(15) < 1, 120.0, np.inf)
        low, high = estimate_sdid(
            panel(tuple("abcdefghijklmno"), np.arange(130.0), outcomes, first), Question()
        ).interval
        held += low <= 0 <= high
    assert held >= 33


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_restless_treated_unit_has_a_larger_error(noise: float) -> None:
    """The error is the placebos', times how much further the treated was from its comparison before than they."""
    known = factors(15, 4, treated=1)
    known.outcomes[0] += np.random.default_rng(4).normal(0, noise, 30)
    found = estimate_sdid(known, Question())
    assert found.path is not None
    effects, errors = make_placebos(read_setting(known, Question(), "sdid"), 0)
    gap = (found.path.observed - found.path.expected)[:22]
    further = math.sqrt(np.mean(gap**2) / np.mean(errors**2))
    assert (further > 1) == (noise > 0)
    assert found.se == pytest.approx(math.sqrt(np.mean(effects**2)) * max(1, further))


def test_weights_know_nothing_of_the_time_after() -> None:
    """Units' weights stay the same to the last digit whatever comes after the change."""
    known = factors(15, 2)
    other = known.outcomes.copy()
    other[:, 22:] **= 2
    changed = panel(known.units, known.times, other, known.first)
    assert estimate_sdid(known, Question()).weights == estimate_sdid(changed, Question()).weights


def test_many_times_are_weighed_in_stretches() -> None:
    """1,500 times are 1,000 stretches of one or two, times in one counting alike; each time seen twice changes nothing.

    With more times than units the weighed times fit what came after, up to a constant.
    """
    random = np.random.default_rng(5)
    before, after = random.normal(size=(8, 1500)), random.normal(size=(8, 20))
    outside = np.arange(8) > 0
    short = Setting(tuple("abcdefgh"), before[:, :1000], after, ~outside)
    twice = Setting(short.units, np.repeat(short.before, 2, axis=1), after, ~outside)
    once, again = (Times(one, 1.0).weigh(outside) for one in (short, twice))
    assert (again[::2] == again[1::2]).all()
    for one, times in ((short, once), (twice, again)):
        assert np.ptp((one.before @ times - after.mean(axis=1))[outside]) < 1e-5
    odd = Times(Setting(short.units, before, after, ~outside), 1.0).weigh(outside)
    assert (odd.min() >= 0, odd.sum()) == (True, pytest.approx(1))
    # Stretch i begins at the time 3 i / 2, rounded down: one time, two times, in turn.
    assert (odd[1::3] == odd[2::3]).all()
