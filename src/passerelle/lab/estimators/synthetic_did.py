"""Synthetic difference in differences: units weighed to run parallel to the treated, and times to be like later.

Estimand: the mean effect on the treated units over the times from the change on. Units are weighed as in `augmented`,
from each one's level on, but with a ridge that spreads the weights; times before are weighed so that comparison units
were then, up to a constant, what they are after; more than 1,000 times in as many stretches of about equal length, each
of whose times count alike. The effect is the weighed difference of differences.

Assumptions: without the change the treated would have run parallel to the weighed comparison (`parallel_weighed`),
which the change left alone (`no_spillover`), and the treated are no more restless than the others (`like_spread`).

Inference: placebo variance (the paper's algorithm 4): the root mean square of the same estimate for comparison units
that had no change, all of them or 200 groups by lot; and Student's t with as many degrees of freedom as there are
separate placebo groups, where the paper has the normal. No interval is had with as many treated units as comparison
units. Placebo p values are no ranks here; what they assume is that effects without a change are normal.

Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), doi:10.1257/aer.20190159.
"""

from __future__ import annotations

import math

import numpy as np

from passerelle.lab.inference.exchange import choices
from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.weights.simplex import Progress, solve_simplex
from passerelle.lab.weights.synthetic import Contrasts, Setting, barred, read_setting, shares_of, weigh_on_simplex
from passerelle.lab.weights.synthetic_result import Certainty, Method, tell

METHOD = "sdid"
ASSUMPTIONS = ("parallel_weighed", "no_spillover")
PLACEBOS = 200

_TIME_RIDGE = 1e-6
"""Of the noise, as in the authors' package synthdid: so small that it decides only between weights that fit alike."""

_MOST_TIMES = 1000
"""More times before are weighed in so many stretches, since a problem of n has n² products to be held and solved by.
The placebos' times are then weighed as the real group's: one unit in many moves them little."""


def estimate_sdid(panel: Panel, question: Question, progress: Progress | None = None) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    from scipy import special

    setting = read_setting(panel, question, METHOD)
    contrasts = contrast_sdid(setting, setting.shares)
    effect = float(contrasts.effects(setting)[0])
    separate = int((~setting.treated).sum()) // int(setting.treated.sum())
    se, p_value, half_width = math.inf, 1.0, math.inf
    if separate > 1:
        se = float(np.sqrt(np.mean(placebo_effects(setting, question.seed, progress) ** 2)))
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


def placebo_effects(setting: Setting, seed: int, progress: Progress | None = None) -> Floats:
    """The effects on groups of comparison units, as many in each as were treated, of the others without the treated."""
    others = setting.keep(~setting.treated)
    groups = choices(len(others.units), np.arange(setting.treated.sum()), seed, PLACEBOS)
    contrasts = contrast_sdid(others, shares_of(groups, len(others.units)), progress, real=setting)
    return contrasts.effects(others)


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
    shared = real is not None and setting.before.shape[1] > _MOST_TIMES
    tell_units, tell_times = (progress, None) if shared else _halve(progress)
    weights = weigh_on_simplex(setting.before - level, shares, tell_units, ridge=ridge, without=without)
    if shared:
        return Contrasts(
            shares - weights, setting.before @ weigh_times(source, source.shares[:, 0] == 0, noise)[:, None]
        )
    times = np.empty((setting.before.shape[1], shares.shape[1]))
    near = None
    for group, outside in enumerate(~barred(shares, without).T):
        # Groups differ by few of the units outside, so that one's times are a guess of the next one's.
        near = times[:, group] = weigh_times(setting, outside, noise, near)
        if tell_times is not None:
            tell_times(group + 1, shares.shape[1])
    return Contrasts(shares - weights, setting.before @ times)


def _halve(progress: Progress | None) -> tuple[Progress | None, Progress | None]:
    """What tells a first and a second half of as many steps."""
    if progress is None:
        return None, None
    return lambda done, of: progress(done, 2 * of), lambda done, of: progress(of + done, 2 * of)


def weigh_times(setting: Setting, outside: Flags, noise: float, near: Floats | None = None) -> Floats:
    """Weights of the times before, by the units outside the group."""
    before = setting.before[outside]
    every = before.shape[1]
    stretches = min(every, _MOST_TIMES)
    starts = np.arange(stretches) * every // stretches
    lengths = np.diff(starts, append=every)
    if stretches < every:
        before = np.add.reduceat(before, starts, axis=1) / lengths
        near = None if near is None else np.add.reduceat(near, starts)
    before = before - before.mean(axis=0)
    after = setting.after[outside].mean(axis=1)
    gram = before.T @ before
    gram.flat[:: len(gram) + 1] += (_TIME_RIDGE * noise) ** 2 * len(before) / lengths
    weights = solve_simplex(gram, before.T @ (after - after.mean()), near=near)
    return np.repeat(weights / lengths, lengths)
