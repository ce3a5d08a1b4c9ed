"""From a panel and a question to a judged result: the method that follows, its effect, the checks, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from passerelle.lab.case import Case
from passerelle.lab.checking import CHECKS_OF, COMPARES, run_checks
from passerelle.lab.context import Context
from passerelle.lab.methods import METHODS, TELLING, Choice, choose
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.verdict import Judgement, judge
from passerelle.lab.weights.refit import CONTRASTS

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was asked of which panel, by which method, and what came of it."""

    panel: Panel
    question: Question
    choice: Choice
    result: Result
    judgement: Judgement


def analyse(
    panel: Panel, question: Question, context: Context | None = None, progress: Progress | None = None
) -> Analysis:
    """The judged result on `panel`, every check of its method run; what `context` doesn't say no check can refute.

    Times that the treated units were picked by are left out, where there are others before the change. `progress` is
    told how many steps are done, of how many: each check is one.
    """
    known, tell = context or Context(), progress or _silent
    panel = _leave_out_picked(panel, known)
    choice = choose(panel, question)
    checks = len(CHECKS_OF[choice.method])
    # A method that makes placebos takes about as long as all of its checks.
    first = checks if choice.method in TELLING else 1
    steps = first + checks
    if choice.method in TELLING:
        result = TELLING[choice.method](panel, question, lambda done, of: tell(first * done // (of + 1), steps))
    else:
        result = METHODS[choice.method](panel, question)
    tell(first, steps)
    return check_result(panel, question, choice, result, known, lambda done: tell(first + done, steps))


def check_result(
    panel: Panel, question: Question, choice: Choice, result: Result, context: Context, told: Callable[[int], None]
) -> Analysis:
    """The judged result where `result` is what the chosen method says of `panel`; `told` how many checks are done."""
    case = Case(
        panel,
        question,
        context,
        result,
        METHODS[choice.method],
        compares=choice.method in COMPARES,
        contrast=CONTRASTS.get(choice.method),
    )
    result = result.with_checks(*run_checks(case, told))
    return Analysis(panel, question, choice, result, judge(result, question.wanted, question.smallest))


def _leave_out_picked(panel: Panel, context: Context) -> Panel:
    if context.picked is None or not panel.treated.any():
        return panel
    picked = (panel.times >= context.picked.start) & (panel.times < context.picked.end)
    before = panel.times < panel.starts[0]
    kept = ~(picked & before)
    return panel.select(np.arange(len(panel.units)), kept) if (kept & before).any() else panel


def _silent(_done: int, _all: int) -> None:
    """Nobody asked to be told."""
