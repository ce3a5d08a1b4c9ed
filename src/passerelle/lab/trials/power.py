"""Before a pilot: how large an effect would have to be for the study to show it.

The study is made many times on windows of the history in which nothing was done, by the method and rule that will
judge it, with an effect added. Every method's interval moves with an effect that is the same at all times, so that one
estimate a window gives its verdict for every size. What checks would block is not in it: `nulls.py` has that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from passerelle.lab.methods import METHODS, choose
from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.trials.placebos import Shape, draw_placebos
from passerelle.lab.verdict import Verdict, judge
from passerelle.model.errors import StudyError

ENOUGH = 0.8
"""The power that is usually asked for: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2.4."""

SHOWN = (Verdict.WORKED, Verdict.HARMED, Verdict.ROSE, Verdict.FELL)
"""The verdicts that say there is an effect."""

_FINEST = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """By size of the effect the share of `studies` that show it, with its sign; and the smallest that enough do.

    `effects` and `mde` are in the outcome's unit; `mde` is infinite where no effect, however large, would be shown.
    `apart` counts the windows that share no time, `failed` those of which no estimate could be made.
    """

    shape: Shape
    method: str
    effects: Floats
    shares: Floats
    mde: float
    mean: float
    false_alarms: float
    studies: int
    apart: int
    failed: int


def find_power(
    history: Panel,
    question: Question,
    shape: Shape,
    effects: Floats,
    *,
    studies: int = 500,
    excluded: Flags | None = None,
    least_seen: float = 1.0,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Power:
    """The power of a study of `shape` by `question`'s method, for each of `effects`.

    `excluded` and `least_seen` are those of `draw_placebos`.
    """
    method, results, failed, means = "", [], 0, []
    drawn = draw_placebos(history, shape, studies, question.seed, excluded, least_seen)
    for number, placebo in enumerate(drawn, 1):
        method = method or choose(placebo.panel, question).method
        try:
            results.append(METHODS[method](placebo.panel, question))
        except StudyError as error:
            failed, last = failed + 1, error
        means.append(float(np.nanmean(placebo.panel.outcomes[placebo.panel.treated])))
        progress(number, studies)
    if not results:
        raise last
    sign = -1.0 if question.wanted == "down" else 1.0
    return Power(
        shape=shape,
        method=method,
        effects=effects,
        shares=np.array([_share_shown(results, effect, question) for effect in effects]) * len(results) / studies,
        mde=_smallest_shown(results, sign, question, failed),
        mean=float(np.mean(means)),
        false_alarms=_share_shown(results, 0.0, question),
        studies=studies,
        apart=len(history.times) // shape.length,
        failed=failed,
    )


def enlarge(shape: Shape, history: Panel) -> Iterator[Shape]:
    """The same study with more times after, more places, or both, as far as the history can try them out."""
    units = len(np.unique(history.clusters))
    for places, times in ((1, 2), (2, 1), (2, 2), (1, 4), (4, 1), (4, 4)):
        treated: int | tuple[str, ...] = shape.treated if places == 1 else shape.count * places
        larger = Shape(treated, shape.before, shape.after * times)
        if larger.length <= len(history.times) and (places == 1 or larger.count <= units // 2):
            yield larger


def _share_shown(results: list[Result], effect: float, question: Question) -> float:
    shown = 0
    for result in results:
        verdict = judge(result.moved(effect), question.wanted, question.smallest).verdict
        shown += verdict in SHOWN and (effect == 0 or _points(result, effect))
    return shown / len(results)


def _points(result: Result, effect: float) -> bool:
    """Whether the interval, moved by the effect, lies on the effect's side of zero."""
    return result.interval[0] + effect > 0 if effect > 0 else result.interval[1] + effect < 0


def _smallest_shown(results: list[Result], sign: float, question: Question, failed: int) -> float:
    """The smallest effect, in the direction of `sign`, that enough of all studies show."""
    needed = ENOUGH * (len(results) + failed) / len(results)
    reach = max((abs(end) for one in results for end in one.interval if math.isfinite(end)), default=0.0)
    if question.smallest is not None:
        reach += max(map(abs, question.smallest))
    low, high = 0.0, 2 * reach
    if not high or _share_shown(results, sign * high, question) < needed:
        return math.inf
    while high - low > _FINEST * high:
        middle = (low + high) / 2
        if _share_shown(results, sign * middle, question) >= needed:
            high = middle
        else:
            low = middle
    return high
