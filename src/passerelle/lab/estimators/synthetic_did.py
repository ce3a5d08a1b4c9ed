"""Synthetic difference in differences: units weighed to run parallel to the treated, and times to be like later.

Estimand: the mean effect on the treated units over the times from the change on. Units are weighed as in `augmented`,
from each one's level on, but with a ridge that spreads the weights; times before are weighed so that comparison units
were then, up to a constant, what they are after; more than 1,000 times in as many stretches of about equal length, each
of whose times count alike. The effect is the weighed difference of differences.

Assumptions: without the change the treated would have run parallel to the weighed comparison (`parallel_weighed`),
which the change left alone (`no_spillover`), and the treated are no more restless than the others (`like_spread`),
but for what of it was seen before.

Inference: placebo variance (the paper's algorithm 4): the root mean square of the same estimate for comparison units
that had no change, all of them or 200 groups by lot; and Student's t with as many degrees of freedom as there are
separate placebo groups, where the paper has the normal. Where the treated were further from their comparison before the
change than the placebos from theirs, the error is larger by as much, which the paper has not: a placebo that is calmer
than the treated says too little of them. No interval is had with as many treated units as comparison units. Placebo p
values are no ranks here; what they assume is that effects without a change are normal.

Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), doi:10.1257/aer.20190159.
"""

from __future__ import annotations

import math

import numpy as np

from passerelle.lab.inference.exchange import choices
from passerelle.lab.inference.spread import is_nothing
from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.weights.simplex import Progress, solve_simplex
from passerelle.lab.weights.synthetic import (
    Contrasts,
    Setting,
    barred,
    fit_errors,
    read_setting,
    shares_of,
    weigh_on_simplex,
)
from passerelle.lab.weights.synthetic_result import Certainty, Method, tell

METHOD = "sdid"
ASSUMPTIONS = ("parallel_weighed", "no_spillover")
PLACEBOS = 200

_TIME_RIDGE = 1e-3
"""Of the noise: it decides only between weights that fit alike. The authors' package synthdid has 1e-6, and a search
that stops early. With more times than units 1e-6 is below the solver's rounding, and any weights that fit would do: a
placebo's would be the last one's, which had seen its outcome after the change, and its effect too small by a half."""

_MOST_TIMES = 1000
"""More times before are weighed in so many stretches, since a problem of n has n² products to be held and solved by."""


def estimate_sdid(panel: Panel, question: Question, progress: Progress | None = None) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    from scipy import special

    setting = read_setting(panel, question, METHOD)
    contrasts = contrast_sdid(setting, setting.shares)
    effect = float(contrasts.effects(setting)[0])
    separate = int((~setting.treated).sum()) // int(setting.treated.sum())
    se, p_value, half_width = math.inf, 1.0, math.inf
    if separate > 1:
        effects, errors = make_placebos(setting, question.seed, progress)
        se = float(np.sqrt(np.mean(effects**2))) * _restlessness(setting, contrasts, errors)
        half_width = float(special.stdtrit(separate, (1 + question.level) / 2)) * se
        p_value = float(2 * special.stdtr(separate, -abs(effect) / se)) if se > 0 else 1.0
    certainty = Certainty(
        se=se,
        interval=(effect - half_width, effect + half_width),
        p_value=p_value,
        smallest_p=0.0 if separate > 1 else 1.0,
        inference="placebo_variance" if separate > 1 else "too_few_groups",
        assumes="like_spread",
        bounds=np.full((setting.after.shape[1], 2), np.nan),
    )
    return tell(panel, question, setting, contrasts, Method(METHOD, ASSUMPTIONS), certainty)


def make_placebos(setting: Setting, seed: int, progress: Progress | None = None) -> tuple[Floats, Floats]:
    """The effects on groups of comparison units and their errors of fit, without the treated.

    As many units are in each as were treated, and its comparison are the others.
    """
    others = setting.keep(~setting.treated)
    groups = choices(len(others.units), np.arange(setting.treated.sum()), seed, PLACEBOS)
    contrasts = contrast_sdid(others, shares_of(groups, len(others.units)), progress, real=setting)
    return contrasts.effects(others), fit_errors(others, contrasts)


def _restlessness(setting: Setting, contrasts: Contrasts, errors: Floats) -> float:
    """How many times further than the placebos the treated were from their comparison before the change; 1 or more."""
    usual = float(np.sqrt(np.mean(errors**2)))
    return 1.0 if is_nothing(usual, setting.before) else max(1.0, float(fit_errors(setting, contrasts)[0]) / usual)


def contrast_sdid(
    setting: Setting,
    shares: Floats,
    progress: Progress | None = None,
    *,
    real: Setting | None = None,
    without: Flags | None = None,
) -> Contrasts:
    """Weights of units and times; where these are placebos, `real` is what they stand for and has the ridge.

    The ridge is the paper's: (treated units x times after)^(1/2) x the variance of steps from time to time.
    """
    source = setting if real is None else real
    noise = float(np.diff(source.before[~source.treated], axis=1).std(ddof=1))
    ridge = math.sqrt(source.treated.sum() * source.after.shape[1]) * noise**2 * source.before.shape[1]
    level = setting.before.mean(axis=1, keepdims=True)
    tell_units, tell_times = _halve(progress)
    weights = weigh_on_simplex(setting.before - level, shares, tell_units, ridge=ridge, without=without)
    weighing = Times(setting, noise)
    times = np.empty((setting.before.shape[1], shares.shape[1]))
    near = None
    for group, outside in enumerate(~barred(shares, without).T):
        # Groups differ by few of the units outside, so that one's times are a guess of the next one's.
        near = times[:, group] = weighing.weigh(outside, near)
        if tell_times is not None:
            tell_times(group + 1, shares.shape[1])
    return Contrasts(shares - weights, setting.before @ times)


def _halve(progress: Progress | None) -> tuple[Progress | None, Progress | None]:
    """What tells a first and a second half of as many steps."""
    if progress is None:
        return None, None
    return lambda done, of: progress(done, 2 * of), lambda done, of: progress(of + done, 2 * of)


class Times:
    """The times before the change of `setting`, to be weighed for one group after another; `noise` is the ridge's."""

    def __init__(self, setting: Setting, noise: float) -> None:
        every = setting.before.shape[1]
        stretches = min(every, _MOST_TIMES)
        self._starts = np.arange(stretches) * every // stretches
        self._lengths = np.diff(self._starts, append=every)
        before = np.add.reduceat(setting.before, self._starts, axis=1) / self._lengths
        after = setting.after.mean(axis=1)
        # From the mean of all units, so that what is taken off the products for a group is small beside them.
        self._before, self._after = before - before.mean(axis=0), after - after.mean()
        self._gram = self._before.T @ self._before
        self._ridge = (_TIME_RIDGE * noise) ** 2 / self._lengths

    def weigh(self, outside: Flags, near: Floats | None = None) -> Floats:
        """Their weights by the units `outside` the group, which were then, up to a constant, as they are after."""
        count = int(outside.sum())
        within, mean = self._before[~outside], self._before[outside].mean(axis=0)
        gram = self._gram - within.T @ within - count * np.outer(mean, mean)
        gram.flat[:: len(gram) + 1] += self._ridge * count
        target = (self._before[outside] - mean).T @ (self._after[outside] - self._after[outside].mean())
        # With more times than units nearly all may have weight: taken one by one they would take minutes.
        guess = np.ones(len(gram)) if near is None else np.add.reduceat(near, self._starts)
        return np.repeat(solve_simplex(gram, target, near=guess) / self._lengths, self._lengths)
