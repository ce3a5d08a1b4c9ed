"""Placebo studies lie in free windows, are the same for the same seed, and their shares know what hangs together."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.panel import Panel, panel
from passerelle.lab.trials.placebos import Shape, bound_share, draw_placebos
from passerelle.model.errors import InvalidValueError, StudyError


def history(units: int = 6, times: int = 40, clusters: np.ndarray | None = None) -> Panel:
    outcomes = np.arange(float(units * times)).reshape(units, times)
    names = tuple(f"u{one}" for one in range(units))
    return panel(names, np.arange(float(times)), outcomes, np.full(units, np.inf), clusters=clusters)


def test_windows_touch_nothing_excluded() -> None:
    """With times 15 and 30 excluded, windows of ten start at 0 to 5, or 16 to 20; each has two treated from its 7th."""
    excluded = np.isin(np.arange(40), (15, 30))
    starts = set()
    for one in draw_placebos(history(), Shape(2, 6, 4), 200, 1, excluded):
        starts.add(one.panel.times[0])
        assert one.panel.treated.sum() == 2
        assert one.panel.starts.tolist() == [one.panel.times[6]]
        assert len(one.panel.times) == 10
    assert starts == {0, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20}


def test_same_seed_same_studies() -> None:
    """Drawn again, the windows and units are the same; with another seed they aren't."""
    drawn = [
        [(one.panel.times[0], one.units) for one in draw_placebos(history(), Shape(1, 4, 4), 20, seed)]
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_units_not_seen_are_left_out_and_clusters_stay_together() -> None:
    """A unit with a gap is in no window that has it; one of three clusters of two is two treated units."""
    data = history(clusters=np.array([0, 0, 1, 1, 2, 2]))
    gone = data.outcomes.copy()
    gone[5, 20] = np.nan
    for one in draw_placebos(data.with_outcomes(gone), Shape(1, 5, 5), 100, 3):
        assert ("u5" in one.panel.units) == (not one.panel.times[0] <= 20 <= one.panel.times[-1])
        assert len(set(one.panel.clusters[one.panel.treated])) == 1


def test_an_effect_comes_to_the_treated_from_their_start_on() -> None:
    """Outcomes 0, 1, 2, 3 before have the mean 1.5; 0.3 is added to each time after, and to nobody else."""
    (one,) = draw_placebos(history(2, 8), Shape(("u0",), 4, 4), 1, 0)
    assert one.mean == 1.5
    added = one.raised(0.3).outcomes - one.panel.outcomes
    assert added[0] == pytest.approx([0, 0, 0, 0, 0.3, 0.3, 0.3, 0.3])
    assert not added[1].any()


def test_waves_start_one_after_another() -> None:
    """Five clusters of two in two waves: three start at the 7th time of the window, two half of four times later."""
    data = history(20, clusters=np.repeat(np.arange(10), 2))
    for one in draw_placebos(data, Shape(5, 6, 4, 2), 30, 1):
        starts = one.panel.first[one.panel.treated] - one.panel.times[0]
        assert sorted(starts.tolist()) == [6] * 6 + [8] * 4
        for cluster in range(10):
            assert len(set(one.panel.first[one.panel.clusters == cluster].tolist())) == 1
    with pytest.raises(InvalidValueError, match="3 waves"):
        Shape(2, 6, 4, 3)


def test_what_does_not_fit() -> None:
    """A history that is too short, all windows excluded, more treated than there are."""
    with pytest.raises(StudyError, match="30 before and 20 after does not fit"):
        next(draw_placebos(history(), Shape(1, 30, 20), 1, 0))
    with pytest.raises(StudyError, match="every window"):
        next(draw_placebos(history(), Shape(1, 20, 20), 1, 0, np.arange(40) == 3))
    with pytest.raises(StudyError, match="7 are to be treated, of 6"):
        next(draw_placebos(history(), Shape(7, 2, 2), 1, 0))
    with pytest.raises(InvalidValueError, match="after is 0"):
        Shape(1, 3, 0)


def test_studies_of_one_stretch_are_one_study() -> None:
    """400 studies in four stretches, all alarms in one: the share of 25 % is as unsure as that of four, 0 to 75 %."""
    stretch = np.repeat(np.arange(4), 100)
    low, high = bound_share(stretch == 0, np.zeros((400, 1), dtype=int), stretch, 0.95, 0)
    assert (low, high) == (0, 0.75)
    apart = np.arange(400)
    low, high = bound_share(stretch == 0, np.zeros((400, 1), dtype=int), apart, 0.95, 0)
    # Two standard errors of 25 % of 400 are 4.3 points.
    assert (low, high) == (pytest.approx(0.207, abs=0.015), pytest.approx(0.293, abs=0.015))


def test_a_study_belongs_to_each_of_its_units() -> None:
    """All 66 pairs of twelve units, every pair with the first an alarm: 2/12, as unsure as one unit of twelve.

    The first comes binomially, 0 to 3 times of twelve in 98 % of draws; twice the share of draws is that of alarms to
    first order (1 + w - 1 + ...), so that the bounds are 0 and near 6/12.
    """
    pairs = np.array([(one, other) for one in range(12) for other in range(one)])
    low, high = bound_share((pairs == 0).any(axis=1), pairs, np.zeros(66, dtype=int), 0.95, 0)
    assert low == pytest.approx(0, abs=0.03)
    assert high == pytest.approx(0.5, abs=0.06)
