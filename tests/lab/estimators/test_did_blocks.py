"""Difference in differences gives published numbers, other programs' numbers, and intervals that cover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from diff_diff import DifferenceInDifferences

from passerelle.lab.estimators.did_blocks import estimate_did, fit_did
from passerelle.lab.paired import Paired, paired
from passerelle.model.errors import StudyError


def steps(before: list[float], after: list[float]) -> Paired:
    treated = np.array(before + after)
    days = np.arange(float(len(treated)))
    return paired(days, treated, np.zeros_like(days), days >= len(before))


def test_proposition_99(shared_data: Path) -> None:
    """California's cigarette tax, 39 states and 31 years: -27.349 packs, as published with the synthdid package."""
    table = pl.read_csv(shared_data / "sectors/policy_synthetic_control_refs/california_prop99_long.csv", separator=";")
    years = table.group_by("Year").agg(
        california=pl.col("PacksPerCapita").filter(pl.col("State") == "California").sum(),
        others=pl.col("PacksPerCapita").filter(pl.col("State") != "California").mean(),
    )
    years = years.sort("Year")
    year = years["Year"].to_numpy().astype(float)
    data = paired(year, years["california"].to_numpy(), years["others"].to_numpy(), year >= 1989)
    assert estimate_did(data).effect == pytest.approx(-27.349, abs=1e-3)


def test_diff_diff_agrees() -> None:
    """The library diff-diff, given the same four groups of numbers with a gap between groups, has the same effect."""
    random = np.random.default_rng(7)
    days = np.arange(40.0)
    data = paired(days, random.normal(5, 1, 40), random.normal(2, 1, 40), days >= 22)
    long = pl.DataFrame(
        {
            "y": np.concatenate([data.treated, data.comparison]),
            "treated": np.repeat([1, 0], 40),
            "post": np.tile(data.after.astype(int), 2),
        }
    )
    theirs = DifferenceInDifferences().fit(long.to_pandas(), outcome="y", treatment="treated", post="post")
    assert estimate_did(data).effect == pytest.approx(theirs.att, rel=1e-12)


def test_the_interval_by_hand() -> None:
    """Block means 0, 2, 0, 2 before and 5, 7, 5, 7 after: effect 5, se sqrt(2 * (4/3) / 4), t(3) = 3.182446."""
    before = [0.0] * 3 + [2.0] * 3 + [0.0] * 3 + [2.0] * 3
    found = estimate_did(steps(before, [value + 5 for value in before]))
    se = (2 * (4 / 3) / 4) ** 0.5
    assert (found.effect, found.se) == (pytest.approx(5), pytest.approx(se))
    assert found.interval == (pytest.approx(5 - 3.182446 * se, abs=1e-5), pytest.approx(5 + 3.182446 * se, abs=1e-5))


def test_weekdays_are_taken_out() -> None:
    """A window after with more Sundays than the one before shows no effect where only Sundays differ."""
    days = np.arange(40.0)
    sundays = np.isin(days, [3, 10, 21, 24, 28, 30, 33, 36, 38])
    data = paired(days, np.where(sundays, -4.0, 0.0), np.zeros(40), days >= 20, sundays.astype(float)[:, None])
    assert fit_did(data) == pytest.approx([0, 0, -4], abs=1e-12)


def test_three_days_make_no_four_blocks() -> None:
    """A side without a day for each block can't be estimated from, and the error says how many there were."""
    with pytest.raises(StudyError, match="3 times before and 20 after"):
        estimate_did(steps([0.0, 1.0, 0.0], [0.0, 1.0] * 10))


def test_groups_that_never_differ_give_no_interval() -> None:
    """Rounding isn't a standard error: a group compared with itself is an error, not an effect of zero for sure."""
    days = np.arange(30.0)
    with pytest.raises(StudyError, match="never varies"):
        estimate_did(paired(days, days / 3 + 0.1, days / 3, days >= 15))


def test_a_covariate_that_is_the_change_is_refused() -> None:
    """Where a weekday comes only after the change the two can't be told apart."""
    days = np.arange(30.0)
    with pytest.raises(StudyError, match="can't be told from the calendar"):
        estimate_did(paired(days, days, days * 0, days >= 15, (days >= 15).astype(float)[:, None]))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_intervals_cover(correlation: float) -> None:
    """Synthetic: of 800 AR(1) histories without a change, 93 to 99.5 % of the 95 % intervals hold zero.

    14 days before and 15 after, as in the Paris study. The lower end allows for chance: 1.5 % is two standard
    errors of a share of 95 % in 800.
    """
    random = np.random.default_rng(20210116)
    noise = random.normal(size=(800, 29 + 60))
    for day in range(1, noise.shape[1]):
        noise[:, day] += correlation * noise[:, day - 1]
    days = np.arange(29.0)
    intervals = [estimate_did(paired(days, row[-29:], days * 0, days >= 14)).interval for row in noise]
    assert 0.93 <= np.mean([low <= 0 <= high for low, high in intervals]) <= 0.995
