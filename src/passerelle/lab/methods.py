"""The methods by name, and which of them follows from a design."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from passerelle.lab.estimators import did, its
from passerelle.lab.estimators.augmented import estimate_asc
from passerelle.lab.estimators.cluster_randomised import estimate_cluster_randomised
from passerelle.lab.estimators.cs import estimate_cs
from passerelle.lab.estimators.did import estimate_did
from passerelle.lab.estimators.episodes import estimate_episodes
from passerelle.lab.estimators.its import estimate_its
from passerelle.lab.estimators.switchback import estimate_switchback
from passerelle.lab.estimators.synthetic_control import estimate_sc
from passerelle.lab.estimators.synthetic_did import estimate_sdid
from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.inference.spread import without_point_intervals
from passerelle.lab.panel import Panel
from passerelle.lab.question import AUTO, Assignment, Question
from passerelle.lab.result import Result
from passerelle.lab.weights.simplex import Progress
from passerelle.model.errors import StudyError, UnknownNameError

Estimate = Callable[[Panel, Question], Result]
"""A method: the effect on the treated units, with its interval, and no check run yet."""

Telling = Callable[[Panel, Question, Progress | None], Result]
"""A method that makes many placebos, and tells how many of them are done."""

_ESTIMATES: Mapping[str, Estimate] = {
    "did": estimate_did,
    "its": estimate_its,
    "twfe": estimate_twfe,
    "cs": estimate_cs,
    "cluster_randomised": estimate_cluster_randomised,
    "switchback": estimate_switchback,
    "sc": estimate_sc,
    "asc": estimate_asc,
    "sdid": estimate_sdid,
    "episodes": estimate_episodes,
}

TELLING: Mapping[str, Telling] = {
    name: without_point_intervals(one)
    for name, one in (("sc", estimate_sc), ("asc", estimate_asc), ("sdid", estimate_sdid))
}

METHODS: Mapping[str, Estimate] = {name: without_point_intervals(one) for name, one in _ESTIMATES.items()}
"""The methods by name; none gives an interval where nothing varies (`lab/inference/spread.py`)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The method's name, and the code of the sentence that says why it was taken."""

    method: str
    reason: str


@dataclass(frozen=True, slots=True)
class Design:
    """What the choice of a method may depend on: who had the change and when, how that came, what was seen.

    `treated` and `others` count clusters with and without the change, `before` and `after` the times on either side
    of the first start; `complete` where no cell is absent, `alone` where each unit is a cluster.
    """

    assignment: Assignment
    treated: int
    others: int
    starts: int
    before: int
    after: int
    complete: bool
    alone: bool = True

    def rankable(self, level: float) -> bool:
        """Whether there are enough other choices of as many clusters for a placebo test at `level`."""
        return math.comb(self.treated + self.others, self.treated) * (1 - level) >= 1


Rule = tuple[str, str, Callable[[Design, float], bool]]

RULES: tuple[Rule, ...] = (
    ("clusters_drawn", "cluster_randomised", lambda design, _: design.assignment is Assignment.CLUSTERS),
    ("periods_drawn", "switchback", lambda design, _: design.assignment is Assignment.SWITCHBACK),
    ("several_starts", "cs", lambda design, _: design.starts > 1 and design.others > 0),
    ("began_in_turn", "cs", lambda design, _: design.starts > 1),
    ("no_comparison", "its", lambda design, _: design.others == 0),
    (
        "few_with_long_history",
        "sdid",
        lambda design, level: (
            design.treated < did.FEW
            and design.treated < design.others
            and design.before >= did.FEWEST_TIMES
            and design.complete
            and design.alone
            and design.rankable(level)
        ),
    ),
    ("one_start", "did", lambda design, _: design.treated >= did.FEW),
    ("few_short", "did", lambda *_: True),
)
"""Each rule's reason, its method, and when it holds: the first that holds decides. `docs/lab.md` says why."""


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
    design = read_design(panel, question.assignment)
    if not design.before and question.assignment is Assignment.OBSERVED:
        raise StudyError("the change was there from the first time on: no method can do without times before it")
    if not design.others and design.starts == 1 and design.before + design.after < its.FEWEST_TIMES:
        raise StudyError(
            f"no unit without the change, and {design.before + design.after} times: units to compare with are needed, "
            f"or {its.FEWEST_TIMES} times for a method that does without",
            where="treated",
        )
    return follow(design, question.level)


def follow(design: Design, level: float) -> Choice:
    """The method that follows from `design` and the level asked for: that of the first of `RULES` that holds."""
    return next(Choice(method, reason) for reason, method, holds in RULES if method in METHODS and holds(design, level))


def read_design(panel: Panel, assignment: Assignment) -> Design:
    """The counts of `panel` that a method may be chosen by."""
    before = int((panel.times < panel.starts[0]).sum())
    return Design(
        assignment=assignment,
        treated=len(np.unique(panel.clusters[panel.treated])),
        others=len(np.unique(panel.clusters[~panel.treated])),
        starts=len(panel.starts),
        before=before,
        after=len(panel.times) - before,
        complete=panel.complete,
        alone=len(np.unique(panel.clusters)) == len(panel.units),
    )
