"""Placebos at other dates, in other places and without one unit are what the method gives when asked one by one."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.weights.synthetic_placebos import (
    CONTRASTS,
    effects_at_dates,
    effects_in_places,
    effects_without_one,
)

QUESTION = Question(level=0.6)


@pytest.fixture
def known() -> Panel:
    """Six units on a common course, one treated from the 25th of 30 times on."""
    random = np.random.default_rng(11)
    outcomes = random.uniform(0.5, 1.5, (6, 1)) * np.cumsum(random.normal(size=30)) + random.normal(0, 0.5, (6, 30))
    first = np.array([25.0, *[np.inf] * 5])
    return panel(tuple("abcdef"), np.arange(30.0), outcomes, first)


@pytest.mark.parametrize("method", sorted(CONTRASTS))
def test_dates(known: Panel, method: str) -> None:
    """A placebo date is the method on the times before it and its window."""
    earlier = known.with_first(np.where(known.treated, 15.0, np.inf)).select(np.arange(6), slice(0, 20))
    found = effects_at_dates(known, QUESTION, method, [(15, 20), (20, 25)])
    assert found.effects[0] == pytest.approx(METHODS[method](earlier, QUESTION).effect, abs=1e-9)
    assert len(found.errors) == 2


def test_places(known: Panel) -> None:
    """A placebo place is the method on the units without the treated one, as if that place had been."""
    found = effects_in_places(known, QUESTION, "sc")
    for row in range(5):
        others = known.select(np.arange(1, 6)).with_first(np.where(np.arange(5) == row, 25.0, np.inf))
        assert found.effects[row] == pytest.approx(METHODS["sc"](others, QUESTION).effect, abs=1e-3)


def test_places_of_synthetic_did(known: Panel) -> None:
    """They are those of its placebo variance."""
    found = effects_in_places(known, QUESTION, "sdid")
    assert np.sqrt((found.effects**2).mean()) == pytest.approx(METHODS["sdid"](known, QUESTION).se)


@pytest.mark.parametrize("method", sorted(CONTRASTS))
def test_without_one(known: Panel, method: str) -> None:
    """Each unit with weight left out is the method on the rest."""
    found = effects_without_one(known, QUESTION, method)
    assert found.keys() >= METHODS[method](known, QUESTION).weights.keys()
    for unit, effect in found.items():
        rest = known.select(np.array([name != unit for name in known.units]))
        assert effect == pytest.approx(METHODS[method](rest, QUESTION).effect, abs=1e-9)


def test_a_window_beyond_the_change_is_refused(known: Panel) -> None:
    """Placebo dates look only at times before the change."""
    with pytest.raises(ValueError, match="doesn't lie within 25 times"):
        effects_at_dates(known, QUESTION, "sc", [(15, 26)])
