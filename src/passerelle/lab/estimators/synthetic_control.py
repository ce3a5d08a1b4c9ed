"""Synthetic control: comparison units weighed so that together they were before as the treated units were.

Estimand: the mean effect on the treated units over the times from the change on; several are one, their mean. Weights
are not negative, sum to one, and make the root mean square of the gap before the change smallest; no outcome from the
change on is looked at. With facts about units (`traits`) weights are chosen by them instead, and how much each counts
by the outcomes before (`lab/weights/predictors.py`).

Assumptions: what makes the weighed comparison run with the treated units before the change does so after it
(`same_mixture`), the change left the comparison alone (`no_spillover`), and any unit might have had it (`any_unit`).

Inference: permutation of units. The same comparison is made for every other choice of as many units, or 999 of them by
lot (99 with facts); effects count beside the error of fit before, since a unit that none resembles has large effects at
any time. Treated units may be in a placebo's comparison, and there the effect asked about is taken off them: real and
placebo groups are treated alike, so that the test is exact (`lab/inference/exchange.py`). Its p value is no finer than
one in the number of choices, so that 95 % needs 20 units. With fewer, but at least 20 times of which a fifth or less
came after the change, gaps of other times take their place (`lab/inference/conformal.py`, `steady_gaps` instead of
`any_unit`). Else the interval is infinite, as it is where the treated fit so badly that some placebo shows as much
whatever the effect.

Abadie, Diamond and Hainmueller (2010), doi:10.1198/jasa.2009.ap08746; Abadie (2021), doi:10.1257/jel.20191450.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.weights.predictors import weigh_by_facts
from passerelle.lab.weights.simplex import Progress
from passerelle.lab.weights.synthetic import Contrast, Contrasts, Setting, read_setting, weigh_on_simplex
from passerelle.lab.weights.synthetic_result import Method, judge_groups

METHOD = "sc"
ASSUMPTIONS = ("same_mixture", "no_spillover")

_MOST_BY_FACTS = 100
"""Each group's search for importances takes about a third of a second."""


def estimate_sc(panel: Panel, question: Question, progress: Progress | None = None) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    setting = read_setting(panel, question, METHOD)
    method = Method(METHOD, ASSUMPTIONS)
    if panel.traits.shape[1]:
        method = Method(METHOD, ASSUMPTIONS, most_groups=_MOST_BY_FACTS, by_times=False)
    return judge_groups(panel, question, setting, choose_sc(panel, setting), method, progress)


def choose_sc(panel: Panel, _setting: Setting) -> Contrast:
    """By the panel's facts where it has any, else by outcomes before."""
    return partial(contrast_by_facts, facts=panel.traits) if panel.traits.shape[1] else contrast_sc


def contrast_sc(
    setting: Setting, shares: Floats, progress: Progress | None = None, *, without: Flags | None = None
) -> Contrasts:
    """Weights on the simplex, nearest to each group before the change."""
    weights = weigh_on_simplex(setting.before, shares, progress, without=without)
    return Contrasts(shares - weights, np.zeros((len(weights), 1)))


def contrast_by_facts(
    setting: Setting,
    shares: Floats,
    progress: Progress | None = None,
    *,
    facts: Floats,
    without: Flags | None = None,
) -> Contrasts:
    """Weights on the simplex, nearest to each group in the facts that tell its outcomes before the change."""
    weights = weigh_by_facts(facts, setting.before, shares, progress, without)
    return Contrasts(shares - weights, np.zeros((len(weights), 1)))
