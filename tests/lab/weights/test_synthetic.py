"""Comparisons at other dates, in other places and without one unit are what the method gives when asked one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from passerelle.lab.estimators.augmented import choose_penalty, contrast_asc
from passerelle.lab.estimators.synthetic_control import contrast_sc
from passerelle.lab.estimators.synthetic_did import contrast_sdid
from passerelle.lab.inference.exchange import choices
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question
from passerelle.lab.weights.refit import CONTRASTS, Refit
from passerelle.lab.weights.synthetic import read_setting, shares_of

QUESTION = Question(level=0.6)


def refit_of(known: Panel, method: str) -> Refit:
    setting = read_setting(known, QUESTION, method)
    return Refit(setting, CONTRASTS[method](known, setting))


def ask(known: Panel, whole: Panel, method: str) -> float:
    """The method's effect; of `asc` with the penalty that it chose for the whole panel."""
    if method != "asc":
        return METHODS[method](known, QUESTION).effect
    setting = read_setting(known, QUESTION, method)
    penalty = choose_penalty(read_setting(whole, QUESTION, method))
    return float(contrast_asc(setting, setting.shares, penalty=penalty).effects(setting)[0])


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
    found = refit_of(known, method).at_dates([15, 20], 5)
    assert found[0] == pytest.approx(ask(earlier, known, method), abs=1e-9)
    assert len(found) == 2


def test_places(known: Panel) -> None:
    """A placebo place is the method on the units without the treated one, as if that place had been."""
    setting = read_setting(known, QUESTION, "sc")
    others = setting.keep(~setting.treated)
    found = contrast_sc(others, shares_of(choices(5, np.arange(1), 0), 5)).effects(others)
    for row in range(5):
        alone = known.select(np.arange(1, 6)).with_first(np.where(np.arange(5) == row, 25.0, np.inf))
        assert found[row] == pytest.approx(METHODS["sc"](alone, QUESTION).effect, abs=1e-3)


def test_places_of_synthetic_did(known: Panel) -> None:
    """They are those of its placebo variance."""
    setting = read_setting(known, QUESTION, "sdid")
    others = setting.keep(~setting.treated)
    found = contrast_sdid(others, shares_of(choices(5, np.arange(1), 0), 5), real=setting).effects(others)
    assert np.sqrt((found**2).mean()) == pytest.approx(METHODS["sdid"](known, QUESTION).se)


@pytest.mark.parametrize("method", sorted(CONTRASTS))
def test_without_one(known: Panel, method: str) -> None:
    """Each unit with weight left out is the method on the rest."""
    refit = refit_of(known, method)
    for unit in METHODS[method](known, QUESTION).weights:
        kept = np.array([name != unit for name in known.units])
        effect = refit.effect(refit.setting.keep(kept))
        assert effect == pytest.approx(ask(known.select(kept), known, method), abs=1e-9)


def test_with_facts(known: Panel) -> None:
    """Where units are weighed by facts, so they are when the comparison is made again."""
    with_facts = replace(known, traits=np.random.default_rng(2).normal(size=(6, 2)))
    effect = METHODS["sc"](with_facts, QUESTION).effect
    assert refit_of(with_facts, "sc").effect() == pytest.approx(effect, abs=1e-12)
    assert refit_of(known, "sc").effect() != pytest.approx(effect, abs=1e-3)


def test_where_it_mends(known: Panel) -> None:
    """A treated unit outside of what the others span is mended by a finite penalty, and so it is when made again."""
    known.outcomes[0] *= 3
    setting = read_setting(known, QUESTION, "asc")
    assert np.isfinite(choose_penalty(setting))
    effect = METHODS["asc"](known, QUESTION).effect
    assert refit_of(known, "asc").effect() == pytest.approx(effect, abs=1e-12)
    assert float(contrast_asc(setting, setting.shares).effects(setting)[0]) != pytest.approx(effect, abs=0.1)
