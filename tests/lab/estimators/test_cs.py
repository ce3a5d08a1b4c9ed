"""Callaway and Sant'Anna's numbers are those of R's did, of diff-diff, and cover."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from diff_diff import CallawaySantAnna
from tests.lab.simulated import draw

from passerelle.lab.estimators.cs import estimate_cs
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.inference.group_time import estimate_group_time, estimate_simple
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError


@pytest.fixture(scope="module")
def teens(shared_data: Path) -> Path:
    """Teen employment in 500 counties, 2003 to 2007, after minimum wages rose: mpdta of R's package did."""
    return shared_data / "sectors/policy_synthetic_control_refs/mpdta.csv"


def read(path: Path, traits: tuple[str, ...] = ()) -> Panel:
    columns = Columns("countyreal", "year", "lemp", first="first.treat", traits=traits)
    return read_panel(path, columns).panel


def part(result: Result, kind: str, *at: float) -> tuple[float, float]:
    (found,) = (one for one in result.parts if (one.kind, one.at) == (kind, at))
    return found.effect, found.se


def test_every_group_and_time(teens: Path) -> None:
    """ATT(g, t) as R's did prints it, to 1e-6."""
    published = {
        2004: (-0.010503, -0.070423, -0.137259, -0.100811),
        2006: (0.006520, -0.002751, -0.004595, -0.041224),
        2007: (0.030507, -0.002726, -0.031087, -0.026054),
    }
    found = estimate_cs(read(teens), Question())
    for group, effects in published.items():
        for year, effect in zip(range(2004, 2008), effects, strict=True):
            assert part(found, "group_time", group - 2003, year - 2003)[0] == pytest.approx(effect, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "effect", "se"),
    [
        ("simple", -0.039951, 0.012034),
        ("group", -0.031018, 0.012446),
        ("dynamic", -0.077240, 0.019965),
        ("calendar", -0.041700, 0.015972),
    ],
)
def test_every_mean(teens: Path, kind: str, effect: float, se: float) -> None:
    """The four means of R's did with their errors, to 1e-6."""
    assert part(estimate_cs(read(teens), Question()), kind) == pytest.approx((effect, se), abs=1e-6)


def test_with_a_trait(teens: Path) -> None:
    """With lpop, by regression, the means are R's."""
    found = estimate_cs(read(teens, ("lpop",)), Question())
    published = {"simple": -0.041969, "group": -0.032929, "dynamic": -0.080782, "calendar": -0.044532}
    for kind, effect in published.items():
        assert part(found, kind)[0] == pytest.approx(effect, abs=1e-6)


def staggered(units: int, times: int, seed: int, noise: float = 1.0) -> tuple[Panel, Floats]:
    """Random walks around units' levels, thirds of which begin early, late and never; no effect."""
    random = np.random.default_rng(seed)
    first = np.resize([times // 3, 2 * times // 3, np.inf], units)
    outcomes = random.normal(size=(units, 1)) + noise * random.normal(size=(units, times))
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first), first


# Where all began, the last to begin are compared with nobody, which the library warns of.
@pytest.mark.filterwarnings("ignore:.*could not be estimated:UserWarning")
@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_diff_diff_agrees(control: str, anticipation: int) -> None:
    """The library diff-diff has the same ATT(g, t) and errors, with either comparison and with anticipation."""
    data, first = staggered(60, 9, 3)
    if control == "not_yet_treated":
        kept = np.isfinite(first)
        data, first = data.select(kept), first[kept]
    rows = pl.DataFrame(
        {
            "unit": np.repeat(np.arange(len(data.units)), 9),
            "time": np.tile(np.arange(9), len(data.units)),
            "y": data.outcomes.ravel(),
            "first": np.repeat(np.where(np.isfinite(first), first, 0), 9),
        }
    )
    library = CallawaySantAnna(control_group=control, anticipation=anticipation)
    theirs = library.fit(rows.to_pandas(), outcome="y", unit="unit", time="time", first_treat="first")
    found = estimate_cs(data, Question(anticipation=anticipation))
    ours = {one.at: (one.effect, one.se) for one in found.parts if one.kind == "group_time"}
    both = {
        cell: ours[cell] for cell in theirs.group_time_effects if np.isfinite(theirs.group_time_effects[cell]["se"])
    }
    assert both
    for cell, numbers in both.items():
        expected = theirs.group_time_effects[cell]
        assert numbers == pytest.approx((expected["effect"], expected["se"]), rel=1e-9)


def test_bands_are_wider_than_points(teens: Path) -> None:
    """What holds all effects at once is wider than what holds each, and no wider than Bonferroni's for seven."""
    for event in estimate_cs(read(teens), Question()).events:
        assert event.band is not None
        ratio = (event.band[1] - event.effect) / event.se
        assert 1.96 < ratio < 2.69


def test_few_draw_lots() -> None:
    """Three units with the change among twenty: no group has a spread, so beginnings are exchanged."""
    data, _ = staggered(20, 6, 5)
    few = data.with_first(np.where(np.arange(20) < 3, 2.0 + np.arange(20), np.inf))
    found = estimate_cs(few, Question())
    assert found.inference == "exchange"
    assert all(math.isinf(event.interval[0]) for event in found.events)
    assert found.interval[0] <= found.effect <= found.interval[1]


def test_exchange_is_fast_and_slow_alike() -> None:
    """The shortcut for complete panels gives the simple means that the whole estimate gives."""
    data, first = staggered(30, 8, 6)
    random = np.random.default_rng(0)
    fast = estimate_simple(data, data, 1, not_yet=False)
    for _ in range(3):
        drawn = random.permutation(first)
        expected = estimate_group_time(data.with_first(drawn), 1).simple().effect
        assert fast(drawn) == (pytest.approx(expected, rel=1e-12), pytest.approx(expected, rel=1e-12))


def test_long_panels_leave_far_cells_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many cells the mean and its error are the same, and the event study is cut."""
    data, _ = staggered(30, 40, 7)
    whole = estimate_cs(data, Question())
    monkeypatch.setattr("passerelle.lab.inference.group_time._FARTHEST", 5)
    cut = estimate_cs(data, Question())
    assert (cut.effect, cut.se) == (pytest.approx(whole.effect, rel=1e-9), pytest.approx(whole.se, rel=1e-9))
    assert part(cut, "group") == pytest.approx(part(whole, "group"), rel=1e-9)
    assert len(cut.events) < len(whole.events)


def test_already_treated_are_left_out() -> None:
    """A group that had the change from the first time on has no base; alone, there is nothing to estimate."""
    data, _ = staggered(12, 6, 8)
    with pytest.raises(StudyError, match="began later than the first time"):
        estimate_cs(data.with_first(np.where(np.arange(12) < 6, 0.0, np.inf)), Question())


def test_absent_cells_are_left_out_each_for_itself() -> None:
    """A unit that wasn't seen at a time takes part in the other cells: by hand, from three units a side."""
    outcomes = np.array([[0, 0, 5.0], [0, 0, np.nan], [0, 0, 7], [1, 1, 2], [1, 1, 4], [1, 1, 3]])
    data = panel(tuple("abcdef"), np.arange(3.0), outcomes, np.array([2.0] * 3 + [np.inf] * 3))
    # (5 + 7) / 2 - (1 + 3 + 2) / 3 = 4
    assert estimate_cs(data, Question()).effect == pytest.approx(4)


def test_few_with_one_start_are_each_taken_once() -> None:
    """Of 20 places with one treated there are 20 choices: the smallest p value is one in twenty, whatever the seed."""
    data = draw(2, 1, 19, 8, 4, effect=50.0)
    for seed in range(3):
        found = estimate_cs(data, Question(method="cs", seed=seed))
        assert found.p_value == found.smallest_p == pytest.approx(1 / 20)
        assert np.isfinite(found.interval).all()
