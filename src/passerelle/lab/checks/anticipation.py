"""Could refute: that nothing moved before the date that the change is said to have begun.

People who know what comes hurry or wait: the last times before the change are part of it then, and a comparison that
starts from them is wrong. The declared anticipation is left out already; this looks at the times before it.

Assumes that earlier times stand for the usual. Can't see a reaction that began as early as the record does.
"""

from __future__ import annotations

from passerelle.lab.case import CHANCE, Case
from passerelle.lab.result import Check, Outcome

NAME = "anticipation"
_LAST = 0.2
_FEWEST = 3


def check_anticipation(case: Case) -> Check:
    """Failed where the last fifth of the times before moved away from the earlier ones beyond chance."""
    aligned = case.aligned
    if aligned is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_comparison")
    count = int(aligned.before.sum())
    length = max(1, min(int(count * _LAST), int(aligned.after.sum())))
    late = aligned.before & (aligned.since >= aligned.ready - length)
    early = aligned.before & ~late
    numbers = {"times": float(length), "before": float(early.sum())}
    if early.sum() < _FEWEST:
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_short", numbers)
    moved = aligned.contrast(early, late)
    if not moved.testable:
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few", numbers)
    half_width = moved.half_width(case.result.level)
    numbers |= {"moved": moved.effect, "low": moved.effect - half_width, "high": moved.effect + half_width}
    numbers["p"] = moved.p_value()
    if numbers["p"] < CHANCE:
        return Check(NAME, Outcome.FAILED, "moved", numbers)
    if half_width > abs(case.result.effect):
        return Check(NAME, Outcome.NOT_APPLICABLE, "blind", numbers)
    return Check(NAME, Outcome.PASSED, "still", numbers)
