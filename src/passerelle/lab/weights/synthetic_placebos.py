"""What a synthetic comparison shows for other dates, other places, and without one of its units: effects, all at once.

No inference is made for any of them, so that hundreds cost little more than one. An effect is given with the root mean
square of its gap before (`error`): a placebo whose comparison never fitted has large effects at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from passerelle.lab.estimators.augmented import choose_penalty, contrast_asc
from passerelle.lab.estimators.synthetic_control import contrast_by_facts, contrast_sc
from passerelle.lab.estimators.synthetic_did import contrast_sdid
from passerelle.lab.inference.exchange import choices
from passerelle.lab.panel import Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.weights.simplex import Progress
from passerelle.lab.weights.synthetic import (
    FEWEST_BEFORE,
    Contrast,
    Contrasts,
    Setting,
    fit_errors,
    read_setting,
    shares_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Placebos:
    """Effects, and the root mean square of each one's gap before."""

    effects: Floats
    errors: Floats


def _by_facts_or_outcomes(setting: Setting, facts: Floats) -> Contrast:
    del setting
    return partial(contrast_by_facts, facts=facts) if facts.shape[1] else contrast_sc


def _mended(setting: Setting, facts: Floats) -> Contrast:
    del facts
    return partial(contrast_asc, penalty=choose_penalty(setting))


def _of_moves(setting: Setting, facts: Floats) -> Contrast:
    del facts
    return partial(contrast_sdid, real=setting)


CONTRASTS: Mapping[str, Callable[[Setting, Floats], Contrast]] = {
    "sc": _by_facts_or_outcomes,
    "asc": _mended,
    "sdid": _of_moves,
}
"""How each method of the family weighs units in a setting, with their traits."""


def effects_at_dates(panel: Panel, question: Question, method: str, windows: Sequence[tuple[int, int]]) -> Placebos:
    """The effect on the real group as if the change had come at other times before it had.

    Each window is the column from which on it is taken to have come, and the column that it is seen up to. Windows with
    too few times before are refused.
    """
    setting = read_setting(panel, question, method)
    found = []
    for start, end in windows:
        if not FEWEST_BEFORE <= start < end <= setting.before.shape[1]:
            raise ValueError(f"the window from {start} to {end} doesn't lie within {setting.before.shape[1]} times")
        earlier = Setting(setting.units, setting.before[:, :start], setting.before[:, start:end], setting.treated)
        contrasts = CONTRASTS[method](earlier, panel.traits)(earlier, earlier.shares, None)
        found.append((contrasts.effects(earlier)[0], fit_errors(earlier, contrasts)[0]))
    return Placebos(*np.array(found).reshape(-1, 2).T)


def effects_in_places(
    panel: Panel, question: Question, method: str, most: int = 999, progress: Progress | None = None
) -> Placebos:
    """The effect on every group of as many comparison units as were treated (`most` by lot), without the treated."""
    setting = read_setting(panel, question, method)
    others = setting.keep(~setting.treated)
    groups = choices(len(others.units), np.arange(setting.treated.sum()), question.seed, most)
    contrast = CONTRASTS[method](setting, panel.traits[~setting.treated])
    contrasts = contrast(others, shares_of(groups, len(others.units)), progress)
    return Placebos(contrasts.effects(others), fit_errors(others, contrasts))


def effects_without_one(panel: Panel, question: Question, method: str) -> Mapping[str, float]:
    """The effect without each comparison unit that has weight; without any other it is what it is."""
    setting = read_setting(panel, question, method)
    whole = _contrasts(setting, panel.traits, method)
    found = {}
    for row in np.flatnonzero((np.abs(whole.values[:, 0]) > 0) & ~setting.treated):
        rest = np.arange(len(setting.units)) != row
        left = setting.keep(rest)
        found[setting.units[row]] = float(_contrasts(left, panel.traits[rest], method).effects(left)[0])
    return found


def _contrasts(setting: Setting, facts: Floats, method: str) -> Contrasts:
    return CONTRASTS[method](setting, facts)(setting, setting.shares, None)
