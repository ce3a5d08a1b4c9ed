"""How often a method is wrong on a panel's own history, where the truth is known: nothing was done.

A false alarm is a verdict of an effect where there was none; coverage is how often the interval holds zero, of the
studies that gave an interval; power is how often an added effect is shown. What the checks bar counts against power, so
that silence is not a way to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from passerelle.lab.analysis import Analysis, check_result
from passerelle.lab.context import Context
from passerelle.lab.methods import METHODS, choose
from passerelle.lab.panel import Flags, Panel
from passerelle.lab.question import Question
from passerelle.lab.trials.placebos import Placebo, Shape, bound_share, draw_placebos
from passerelle.lab.trials.power import SHOWN
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Verdict
from passerelle.model.errors import StudyError

ADDED = 0.2
"""The effect that is added for power: a fifth of the treated units' mean before."""


@dataclass(frozen=True, slots=True)
class Nulls:
    """Shares of placebo studies, with the interval of the first two over independent blocks.

    `width` is the mean width of bounded intervals, as a share of the treated units' mean, and `unbounded` the share of
    the others; `barred` counts what a check blocked, `wide` what the interval left open, `no_effect` what was shown to
    be none, `failed` what couldn't be estimated; `power_barred` what a check blocked where the effect was added.
    `units` and `stretches` count the blocks.
    """

    studies: int
    false_alarms: float
    false_alarm_bounds: tuple[float, float]
    coverage: float
    coverage_bounds: tuple[float, float]
    alarms_unchecked: float
    width: float
    unbounded: float
    barred: float
    wide: float
    no_effect: float
    failed: float
    power: float
    power_barred: float
    units: int
    stretches: int

    def holds(self, level: float) -> bool:
        """Whether neither rate is surely worse than promised."""
        return self.false_alarm_bounds[0] <= 1 - level + 1e-12 and self.coverage_bounds[1] >= level - 1e-12


@dataclass(frozen=True, slots=True)
class NullStudy:
    """What one placebo study came to, of which treated clusters and stretch of time; `width` on the outcome's scale.

    `found` and `found_barred` are of the same study with the effect added: shown with its sign, blocked by a check.
    """

    units: tuple[int, ...]
    stretch: int
    inference: str
    effect: float
    shown: bool
    covered: bool
    width: float
    barred: tuple[str, ...]
    wide: bool
    no_effect: bool
    found: bool
    found_barred: tuple[str, ...]


def find_nulls(
    history: Panel,
    question: Question,
    shape: Shape,
    *,
    studies: int,
    excluded: Flags | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Nulls:
    """What `studies` placebo studies of `shape` on `history` come to, checks and all."""
    done: list[NullStudy] = []
    failed = 0
    for number, placebo in enumerate(draw_placebos(history, shape, studies, question.seed, excluded), 1):
        mean = abs(placebo.mean)
        try:
            one = judge_placebo(placebo, question, ADDED * mean)
            done.append(replace(one, width=one.width / mean if mean else np.inf))
        except StudyError as error:
            failed, last = failed + 1, error
        progress(number, studies)
    if not done:
        raise last
    return count_nulls(done, failed, question)


def judge_placebo(placebo: Placebo, question: Question, added: float) -> NullStudy:
    """The verdicts on a placebo study with nothing and with `added` added to the outcomes that had the change.

    Every method's interval moves with an effect that is the same at all times, so that one estimate serves both.
    """
    choice = choose(placebo.panel, question)
    result = METHODS[choice.method](placebo.panel, question)
    plain = check_result(placebo.panel, question, choice, result, Context(), _silent)
    raised = check_result(placebo.raised(added), question, choice, result.moved(added), Context(), _silent)
    low, high = result.interval
    return NullStudy(
        units=placebo.units,
        stretch=placebo.stretch,
        inference=result.inference,
        effect=result.effect,
        shown=plain.judgement.verdict in SHOWN,
        covered=low <= 0 <= high,
        width=high - low,
        barred=_barred(plain),
        wide=plain.judgement.blocked_by == (INTERVAL_TOO_WIDE,),
        no_effect=plain.judgement.verdict is Verdict.NO_EFFECT_SHOWN,
        found=raised.judgement.verdict in SHOWN and raised.result.interval[0] > 0,
        found_barred=_barred(raised),
    )


def count_nulls(done: Sequence[NullStudy], failed: int, question: Question) -> Nulls:
    """The shares of the studies `done`, beside `failed` ones that gave no estimate."""
    shown, covered, barred, wide, no_effect, found, found_barred = (
        np.array([bool(getattr(one, name)) for one in done])
        for name in ("shown", "covered", "barred", "wide", "no_effect", "found", "found_barred")
    )
    width = np.array([one.width for one in done])
    units, stretches = np.array([one.units for one in done]), np.array([one.stretch for one in done])
    bounded = np.isfinite(width)
    studies = len(done) + failed
    return Nulls(
        studies=studies,
        false_alarms=float(shown.mean()),
        false_alarm_bounds=bound_share(shown, units, stretches, question.level, question.seed),
        coverage=float(covered.mean()),
        coverage_bounds=bound_share(covered, units, stretches, question.level, question.seed),
        alarms_unchecked=float(np.mean(~covered)),
        width=float(width[bounded].mean()) if bounded.any() else np.inf,
        unbounded=float(np.mean(~bounded)),
        barred=float(barred.mean()),
        wide=float(wide.mean()),
        no_effect=float(no_effect.mean()),
        failed=failed / studies,
        power=float(found.sum() / studies),
        power_barred=float(found_barred.sum() / studies),
        units=len(np.unique(units)),
        stretches=len(np.unique(stretches)),
    )


def _barred(analysis: Analysis) -> tuple[str, ...]:
    blocked = analysis.judgement.blocked_by
    return () if blocked == (INTERVAL_TOO_WIDE,) else blocked


def _silent(_done: int) -> None:
    """Nobody asked to be told."""


def spans(times: Panel, excluded: tuple[tuple[float, float], ...]) -> Flags:
    """Which of the panel's times lie in one of the half-open spans."""
    inside = np.zeros(len(times.times), dtype=bool)
    for start, end in excluded:
        inside |= (times.times >= start) & (times.times < end)
    return inside
