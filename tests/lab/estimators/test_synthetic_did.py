"""Synthetic difference in differences gives the published effect, and diff-diff's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from diff_diff import SyntheticDiD

from passerelle.lab.estimators.synthetic_did import estimate_sdid, placebo_effects, weigh_times
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
    placebos = placebo_effects(read_setting(known, Question(), "sdid"), 0)
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
    once, again = (weigh_times(one, outside, 1.0) for one in (short, twice))
    assert (again[::2] == again[1::2]).all()
    for one, times in ((short, once), (twice, again)):
        assert np.ptp((one.before @ times - after.mean(axis=1))[outside]) < 1e-5
    odd = weigh_times(Setting(short.units, before, after, ~outside), outside, 1.0)
    assert (odd.min() >= 0, odd.sum()) == (True, pytest.approx(1))
    # Stretch i begins at the time 3 i / 2, rounded down: one time, two times, in turn.
    assert (odd[1::3] == odd[2::3]).all()
