"""The methods by name, and which of them follows from a design."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from passerelle.lab.estimators.cs import estimate_cs
from passerelle.lab.estimators.did import estimate_did
from passerelle.lab.estimators.its import estimate_its
from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.panel import Panel
from passerelle.lab.question import AUTO, Question
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError, UnknownNameError

Estimate = Callable[[Panel, Question], Result]
"""A method: the effect on the treated units, with its interval, and no check run yet."""

METHODS: Mapping[str, Estimate] = {
    "did": estimate_did,
    "its": estimate_its,
    "twfe": estimate_twfe,
    "cs": estimate_cs,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The method's name, and the code of the sentence that says why it was taken."""

    method: str
    reason: str


def choose(panel: Panel, question: Question) -> Choice:
    """The method asked for, or the one that follows from how many units had the change, when, and how that came.

    Outcomes are never looked at, but for which of them are absent.
    """
    if not panel.treated.any():
        raise StudyError("no unit had the change within the times", where="treated")
    if question.method != AUTO:
        if question.method not in METHODS:
            raise UnknownNameError("method", question.method, [AUTO, *METHODS])
        return Choice(question.method, "asked")
    if len(panel.starts) == 1 and not panel.treated.all():
        return Choice("did", "one_start")
    if len(panel.starts) == 1:
        return Choice("its", "no_comparison")
    raise StudyError("no method follows from this design", where="method")
