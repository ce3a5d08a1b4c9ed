"""How often a method is wrong on a panel's own history, where the truth is known: nothing was done.

A false alarm is a verdict of an effect where there was none; coverage is how often the interval holds zero, of the
studies that gave an interval; power is how often an added effect is shown. What the checks bar counts against power, so
that silence is not a way to pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from passerelle.lab.analysis import Analysis, analyse
from passerelle.lab.panel import Flags, Panel
from passerelle.lab.placebos import Placebo, Shape, bound_share, draw_placebos
from passerelle.lab.power import SHOWN
from passerelle.lab.question import Question
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Verdict
from passerelle.model.errors import StudyError

ADDED = 0.2
"""The effect that is added for power: a fifth of a treated unit's mean before."""


@dataclass(frozen=True, slots=True)
class Nulls:
    """Shares of placebo studies, with the interval of the first two over independent blocks.

    `width` is the mean width of bounded intervals, as a share of the treated units' mean; `barred` counts what a check
    blocked, `wide` what the interval left open, `no_effect` what was shown to be none, `failed` what couldn't be
    estimated. `units` and `stretches` count the blocks.
    """

    studies: int
    false_alarms: float
    false_alarm_bounds: tuple[float, float]
    coverage: float
    coverage_bounds: tuple[float, float]
    alarms_unchecked: float
    width: float
    barred: float
    wide: float
    no_effect: float
    failed: float
    power: float
    units: int
    stretches: int

    def holds(self, level: float) -> bool:
        """Whether neither rate is surely worse than promised."""
        return self.false_alarm_bounds[0] <= 1 - level + 1e-12 and self.coverage_bounds[1] >= level - 1e-12


@dataclass(frozen=True, slots=True)
class _Study:
    shown: bool
    covered: bool
    width: float
    barred: bool
    wide: bool
    no_effect: bool
    found: bool


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
    done: list[_Study] = []
    blocks: list[tuple[int, int]] = []
    failed = 0
    for number, placebo in enumerate(draw_placebos(history, shape, studies, question.seed, excluded), 1):
        try:
            done.append(_judge(placebo, question))
            blocks.append((placebo.unit, placebo.stretch))
        except StudyError as error:
            failed, last = failed + 1, error
        progress(number, studies)
    if not done:
        raise last
    table = {name: np.array([getattr(one, name) for one in done]) for name in _Study.__slots__}
    units, stretches = np.array(blocks).T
    bounded = np.isfinite(table["width"])
    unchecked = ~table["covered"]
    return Nulls(
        studies=studies,
        false_alarms=float(table["shown"].mean()),
        false_alarm_bounds=bound_share(table["shown"], units, stretches, question.level, question.seed),
        coverage=float(table["covered"].mean()),
        coverage_bounds=bound_share(table["covered"], units, stretches, question.level, question.seed),
        alarms_unchecked=float(unchecked.mean()),
        width=float(table["width"][bounded].mean()) if bounded.any() else np.inf,
        barred=float(table["barred"].mean()),
        wide=float(table["wide"].mean()),
        no_effect=float(table["no_effect"].mean()),
        failed=failed / studies,
        power=float(table["found"].sum() / studies),
        units=len(np.unique(units)),
        stretches=len(np.unique(stretches)),
    )


def _judge(placebo: Placebo, question: Question) -> _Study:
    analysis = analyse(placebo.panel, question)
    verdict, blocked = analysis.judgement.verdict, analysis.judgement.blocked_by
    low, high = analysis.result.interval
    panel = placebo.panel
    mean = abs(float(panel.outcomes[panel.treated].mean()))
    return _Study(
        shown=verdict in SHOWN,
        covered=low <= 0 <= high,
        width=(high - low) / mean if mean else np.inf,
        barred=bool(blocked) and blocked != (INTERVAL_TOO_WIDE,),
        wide=blocked == (INTERVAL_TOO_WIDE,),
        no_effect=verdict is Verdict.NO_EFFECT_SHOWN,
        found=_shows(analyse(placebo.raised(ADDED), question)),
    )


def _shows(analysis: Analysis) -> bool:
    return analysis.judgement.verdict in SHOWN and analysis.result.interval[0] > 0


def spans(times: Panel, excluded: tuple[tuple[float, float], ...]) -> Flags:
    """Which of the panel's times lie in one of the half-open spans."""
    inside = np.zeros(len(times.times), dtype=bool)
    for start, end in excluded:
        inside |= (times.times >= start) & (times.times < end)
    return inside
