"""Could refute: an effect of a size that the same comparison shows at dates when this change had not happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from passerelle.lab.case import CHANCE, Case, Claim, not_claimed
from passerelle.lab.estimators.did_blocks import fit_did
from passerelle.lab.inference.aligned import Aligned
from passerelle.lab.paired import Paired
from passerelle.lab.panel import Flags, Floats
from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.weights.refit import Refit

NAME = "placebo_dates"
FEWEST_FOR_FIVE_PERCENT = 19
"""With n separate placebos the smallest possible share is 1 / (n + 1), so that 5 % needs nineteen and the real one."""


def estimate_placebos(history: Paired, windows: Sequence[tuple[NDArray[np.intp], Flags]]) -> Floats:
    """The effect at each placebo date: `windows` gives the rows of `history` to take and which come after it."""
    return np.array([fit_did(history.select(rows, after))[1] for rows, after in windows])


def check_placebo_dates(result: Result, placebos: Floats, separate: int) -> Check:
    """Failed where more than one placebo date in twenty, the real one counted, shows an effect as large.

    `separate` is how many of the placebo windows don't overlap. Neighbours share most of their times and are one
    attempt seen often, so with fewer than nineteen separate windows the share is no probability: a single
    larger effect refutes, and none of them being larger confirms nothing.
    """
    if not len(placebos):
        return Check(NAME, Outcome.NOT_APPLICABLE, "none", {"count": 0.0})
    larger = int((np.abs(placebos) >= abs(result.effect)).sum())
    numbers = {
        "count": float(len(placebos)),
        "larger": float(larger),
        "rank": float(larger + 1),
        "share": (larger + 1) / (len(placebos) + 1),
        "separate": float(separate),
        "needed": float(FEWEST_FOR_FIVE_PERCENT),
        "largest": float(placebos[np.abs(placebos).argmax()]),
    }
    low, high = result.interval
    if low <= 0 <= high:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_effect_claimed", numbers)
    if separate < FEWEST_FOR_FIVE_PERCENT:
        if larger:
            return Check(NAME, Outcome.FAILED, "larger_of_few", numbers)
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few", numbers)
    if numbers["share"] > 0.05:
        return Check(NAME, Outcome.FAILED, "common", numbers)
    return Check(NAME, Outcome.PASSED, "rare", numbers)


def check_dates(case: Case) -> Check:
    """The same question of a panel: the effect against its own noise, at dates before the change and at the change.

    Placebo windows after share no time and are as long as the change's own, at most a quarter of the times before. What
    is compared is the effect over its error, since a shorter record is noisier. With fewer than nineteen
    dates one refutes that is larger than the real effect and, all of them counted, beyond chance by itself.
    """
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME, "nothing_to_refute")
    if case.refit is not None:
        return _check_weighed(case, case.refit)
    scores = _score_aligned(case.aligned) if case.aligned is not None else _score_again(case)
    if len(scores) < 2:
        return Check(NAME, Outcome.NOT_APPLICABLE, "none", {"count": 0.0})
    real, placebos = scores[0], np.abs(scores[1:])
    count, larger = len(placebos), int((placebos >= abs(real)).sum())
    numbers = {
        "count": float(count),
        "larger": float(larger),
        "share": (larger + 1) / (count + 1),
        "needed": float(FEWEST_FOR_FIVE_PERCENT),
        "real": abs(float(real)),
        "largest": float(placebos.max()),
    }
    if count < FEWEST_FOR_FIVE_PERCENT:
        if larger and numbers["largest"] > _beyond(CHANCE / count):
            return Check(NAME, Outcome.FAILED, "larger_score", numbers)
        return Check(NAME, Outcome.NOT_APPLICABLE, "few_scores", numbers)
    if numbers["share"] > 0.05:
        return Check(NAME, Outcome.FAILED, "common_scores", numbers)
    return Check(NAME, Outcome.PASSED, "rare_scores", numbers)


def _check_weighed(case: Case, refit: Refit) -> Check:
    """Failed where a weighed comparison, made up to a date in the later half of the times before, shows as much there.

    Over fewer times before, few units can be weighed to look like any other, and a gap after is no sign.
    """
    before, after = refit.setting.before.shape[1], refit.setting.after.shape[1]
    length, dates = _place(before, after)
    placebos = np.abs(refit.at_dates([date for date in dates if 2 * date >= before], length))
    if not len(placebos):
        return Check(NAME, Outcome.NOT_APPLICABLE, "none", {"count": 0.0})
    count, larger = len(placebos), int((placebos >= abs(case.result.effect)).sum())
    numbers = {"count": float(count), "larger": float(larger), "needed": float(FEWEST_FOR_FIVE_PERCENT)}
    numbers |= {"largest": float(placebos.max())}
    if larger:
        return Check(NAME, Outcome.FAILED, "larger_gap", numbers)
    return Check(NAME, Outcome.NOT_APPLICABLE, "smaller_gaps", numbers)


def _place(before: int, after: int) -> tuple[int, list[int]]:
    """The length of the placebo windows and where each begins, among `before` times; the latest first."""
    length = max(1, min(after, before // 4))
    return length, list(range(before - length, max(2, length) - 1, -length))


def _score_aligned(aligned: Aligned) -> Floats:
    """The normal score of the effect at the change, then at each placebo date, from how units differ."""
    columns = np.flatnonzero(aligned.before)
    length, starts = _place(len(columns), int(aligned.after.sum()))
    contrasts = [aligned.contrast(aligned.before, aligned.after)]
    for start in starts:
        early, late = np.zeros((2, len(aligned.since)), dtype=bool)
        early[columns[:start]] = late[columns[start : start + length]] = True
        contrasts.append(aligned.contrast(early, late))
    return np.array([one.score() for one in contrasts if one.testable])


def _score_again(case: Case) -> Floats:
    """The effect over its error at the change, then at each placebo date, by the method itself."""
    panel = case.panel
    start = int(np.searchsorted(panel.times, panel.starts[0])) - case.question.anticipation
    length, dates = _place(start, len(panel.times) - start)
    scores = [case.result.effect / case.result.se]
    for date in dates:
        moved = panel.with_first(np.where(panel.treated, panel.times[date], np.inf))
        placebo = case.ask(moved.select(np.arange(len(panel.units)), slice(0, date + length)))
        if placebo is not None and placebo.se > 0:
            scores.append(placebo.effect / placebo.se)
    return np.array(scores)


def _beyond(chance: float) -> float:
    """The normal score that is exceeded on either side with this chance."""
    from scipy import special

    return float(-special.ndtri(chance / 2))
