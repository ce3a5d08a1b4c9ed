"""A change that is given and taken away again, in periods drawn by lot.

Estimand: the mean effect of a period with the change, once the times that carry over from the period before are left
out. It is the coefficient of having it in the least-squares fit of period means on each schedule's own level and, where
several schedules ran at once, each period's; with one schedule on a straight trend, seasons and surroundings instead.

Assumptions: periods were drawn as said (`drawn_by_lot`), and after `carry_over` times nothing is left of the period
before (`no_carry_over`). What is left out is the same for every schedule, or it would depend on the lots.

Inference: the schedules that could have come (`lots.py`). Clusters that always had the change together followed one
schedule, and are one series. Reference: Bojinov, Simchi-Levi and Zhao 2023, doi:10.1287/mnsc.2022.4583.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.estimators.its import harmonics
from passerelle.lab.inference.lots import infer_from_lots, list_lots, tell_lots
from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Result
from passerelle.model.errors import StudyError

METHOD = "switchback"
ASSUMPTIONS = ("drawn_by_lot", "no_carry_over")


def estimate_switchback(panel: Panel, question: Question) -> Result:
    """The effect of a period with the change, with the interval of the lots; no checks run yet."""
    if panel.given is None:
        raise StudyError("a switchback needs which units had the change at which times", where="given")
    periods = question.periods
    if not panel.complete:
        raise StudyError("a unit was not seen at every time of the switchback; leave it out", where="outcomes")
    period, into = np.divmod(panel.times - panel.times[0], periods.length)
    kept = into >= periods.carry_over
    _, column = np.unique(period[kept], return_inverse=True)
    had, outcomes = _schedules(panel.given, panel.outcomes)
    cells = _period_means(had[:, kept].astype(float), column)
    if not np.isin(cells, (0, 1)).all():
        raise StudyError(f"the change came or went within a period of {periods.length} times", where="given")
    rows, columns = cells.shape
    came = cells.ravel() == 1
    pairs = np.unique(period[kept]) // 2 if periods.paired else np.zeros(columns)
    schedule, group = np.repeat(np.arange(rows), columns), np.tile(pairs, rows)
    strata = np.unique(np.column_stack([schedule, group]), axis=0, return_inverse=True)[1].astype(np.intp)
    calendar = _calendar(panel.select(np.arange(len(panel.units)), kept), question, column, rows)
    # Lots were drawn within a pair or a schedule, so that its level says nothing about the change.
    matrix = np.column_stack([strata[:, None] == np.unique(strata), calendar]).astype(float)
    found = infer_from_lots(
        _period_means(outcomes[:, kept], column).ravel(),
        matrix,
        list_lots(came, strata, question.seed),
        question.level,
    )
    counts = len(panel.units), int(panel.given.any(axis=1).sum()), int(kept.sum())
    return tell_lots(found, METHOD, ASSUMPTIONS, question.level, counts)


def _schedules(given: Flags, outcomes: Floats) -> tuple[Flags, Floats]:
    """The different schedules, and the mean outcomes of the units that followed each."""
    had, member = np.unique(given, axis=0, return_inverse=True)
    return had, np.array([outcomes[member == one].mean(axis=0) for one in range(len(had))])


def _period_means(rows: Floats, column: Indices) -> Floats:
    counts = np.bincount(column)
    return np.array([np.bincount(column, row) / counts for row in rows])


def _calendar(panel: Panel, question: Question, column: Indices, schedules: int) -> Floats:
    """What moved a period apart from the change, a row for each schedule and period."""
    count = int(column.max()) + 1
    if schedules > 1:
        return np.tile(np.eye(count)[:, 1:], (schedules, 1))
    columns = np.column_stack([panel.times, harmonics(panel.times, question.seasons), panel.surroundings])
    means = _period_means(columns.T, column).T
    return np.asarray(means - means.mean(axis=0))
