"""From a method of the synthetic family to its result, with the inference that the design allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from passerelle.lab.inference.conformal import Conformal
from passerelle.lab.inference.exchange import choices, exchange
from passerelle.lab.inference.spread import NOTHING, is_nothing
from passerelle.lab.panel import Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Path, Result
from passerelle.lab.weights.simplex import Progress
from passerelle.lab.weights.synthetic import Contrast, Contrasts, Setting, fit_errors, shares_of

BY_TIMES = "gaps_of_other_times"
"""The inference where units are too few to be ranked."""

FEWEST_TIMES = 20
"""Of gaps that are ranked: 5 % needs twenty."""

MOST_AFTER = 0.2
"""The largest part of the times that may come after the change, for gaps of other times to tell what it would be."""

MOST_GROUPS = 1000
"""Where more could be compared, this many are, by lot: a p value of 5 % is then off by 0.7 points (one standard
error)."""

_NOTHING = 1e-9
"""An error of fit this small beside the median one is rounding, and a ratio to it no number."""

_SHOWN = 1e-4
"""Smaller weights are left out of a result; together they are less than one unit in a hundred of a hundred."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method's name, what it assumes whatever the inference, how many groups it may compare in all.

    `by_times` says whether gaps of other times may stand for placebo units.
    """

    name: str
    assumptions: tuple[str, ...]
    most_groups: int = MOST_GROUPS
    by_times: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Certainty:
    """How sure an effect is; `inference` is how that was found, and needs `assumes`.

    `bounds` are the ends of the effect at each time after the change, each by itself: a row a time, NaN where not
    known.
    """

    se: float
    interval: tuple[float, float]
    p_value: float
    smallest_p: float
    inference: str
    assumes: str
    bounds: Floats


def judge_groups(
    panel: Panel,
    question: Question,
    setting: Setting,
    contrast: Contrast,
    method: Method,
    progress: Progress | None = None,
) -> Result:
    """The result by permutation of units where there are enough, else by gaps of other times, else without bounds."""
    real = np.flatnonzero(setting.treated)
    groups = choices(len(setting.units), real, question.seed, method.most_groups - 1)
    rankable = len(groups) * (1 - question.level) >= 1 - 1e-9
    if not rankable and method.by_times and _has_times(setting):
        return _judge_by_times(panel, question, setting, contrast, method)
    contrasts = contrast(setting, shares_of(groups, len(setting.units)), progress)
    scale = _scale(fit_errors(setting, contrasts), setting.before)
    slopes = contrasts.values[real].sum(axis=0) * scale
    found = exchange(contrasts.effects(setting) * scale, slopes, question.level)
    each = [exchange(gaps * scale, slopes, question.level).ends for gaps in contrasts.gaps(setting.after).T]
    certainty = Certainty(
        se=found.se,
        interval=found.ends,
        p_value=found.p_value,
        smallest_p=found.smallest_p,
        inference=_name_inference(rankable, found.ends),
        assumes="any_unit",
        bounds=np.array(each),
    )
    return tell(panel, question, setting, contrasts, method, certainty)


def _name_inference(rankable: bool, ends: tuple[float, float]) -> str:
    if not rankable:
        return "too_few_groups"
    return "exchange_by_fit" if math.isfinite(ends[0]) and math.isfinite(ends[1]) else "too_poor_fit"


def _scale(errors: Floats, before: Floats) -> Floats:
    """What a placebo's effect is multiplied by to count as much for its error of fit as the real one's does."""
    smallest = max(_NOTHING * float(np.median(errors)), NOTHING * float(np.abs(before).max()))
    floored = np.maximum(errors, smallest if smallest > 0 else 1.0)
    return np.asarray(floored[0] / floored)


def _has_times(setting: Setting) -> bool:
    before: int = setting.before.shape[1]
    after: int = setting.after.shape[1]
    return before + after >= FEWEST_TIMES and after <= MOST_AFTER * (before + after)


def _judge_by_times(panel: Panel, question: Question, setting: Setting, contrast: Contrast, method: Method) -> Result:
    contrasts = contrast(setting, setting.shares, None)
    conformal = Conformal(setting, contrast)
    effect = float(contrasts.effects(setting)[0])
    spread = float(fit_errors(setting, contrasts)[0]) / math.sqrt(setting.after.shape[1])
    interval = (effect, effect)
    if not is_nothing(spread, setting.before):
        interval = conformal.interval(effect, spread, question.level)
    certainty = Certainty(
        se=_normal_error(interval, question.level),
        interval=interval,
        p_value=conformal.p_value(),
        smallest_p=conformal.smallest_p,
        inference=BY_TIMES,
        assumes="steady_gaps",
        bounds=np.full((setting.after.shape[1], 2), np.nan),
    )
    return tell(panel, question, setting, contrasts, method, certainty)


def _normal_error(interval: tuple[float, float], level: float) -> float:
    """The standard error of which a normal interval would be as wide."""
    from scipy import special

    return (interval[1] - interval[0]) / 2 / float(special.ndtri((1 + level) / 2))


def tell(
    panel: Panel,
    question: Question,
    setting: Setting,
    contrasts: Contrasts,
    method: Method,
    certainty: Certainty,
) -> Result:
    """The result on the first of `contrasts`' groups, the real one, of which `certainty` says how sure it is."""
    effect = float(contrasts.effects(setting)[0])
    low, high = certainty.interval
    weights = np.where(setting.treated, 0.0, -contrasts.values[:, 0])
    return Result(
        effect=effect,
        se=certainty.se,
        interval=(min(low, effect), max(high, effect)),
        level=question.level,
        p_value=certainty.p_value,
        n_units=len(setting.units),
        n_times=len(panel.times),
        n_treated=int(setting.treated.sum()),
        method=method.name,
        assumptions=(*method.assumptions, certainty.assumes),
        inference=certainty.inference,
        smallest_p=certainty.smallest_p,
        weights={setting.units[row]: float(weights[row]) for row in np.argsort(-weights) if abs(weights[row]) > _SHOWN},
        path=_path(panel, setting, contrasts, certainty.bounds),
    )


def _path(panel: Panel, setting: Setting, contrasts: Contrasts, bounds: Floats) -> Path:
    observed = panel.outcomes[setting.treated].mean(axis=0)
    gap = contrasts.gaps(panel.outcomes)[0]
    low, high = (np.full(len(panel.times), np.nan) for _ in range(2))
    last = slice(len(panel.times) - len(bounds), None)
    # The larger the effect could be, the less was to be expected.
    low[last], high[last] = observed[last] - bounds[:, 1], observed[last] - bounds[:, 0]
    return Path(panel.times, observed, observed - gap, low, high)
