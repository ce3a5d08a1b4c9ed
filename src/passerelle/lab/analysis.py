"""From a panel and a question to a judged result: the method that follows, its effect, the checks, the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from passerelle.lab.methods import METHODS, Choice, choose
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.lab.verdict import Judgement, judge

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was asked of which panel, by which method, and what came of it."""

    panel: Panel
    question: Question
    choice: Choice
    result: Result
    judgement: Judgement


def analyse(panel: Panel, question: Question) -> Analysis:
    """The judged result on `panel`."""
    choice = choose(panel, question)
    result = METHODS[choice.method](panel, question)
    return Analysis(panel, question, choice, result, judge(result, question.wanted, question.smallest))
