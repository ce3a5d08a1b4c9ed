"""Could refute: an effect that a changed, moved or failing sensor made.

Units with a record (or a mark of trust) of such a change inside the windows are left out, and so are those that look
like it: one treated unit whose rise is unlike the other treated units', or whose noise or number of decimals changed
with the date while the comparison's did not. The claim must be made by the rest. And the gap between treated and
comparison is searched for a sudden step at another time than the change: where there is one, and it leaves nothing to
the date of the change, what moved was not the change (trust's `level` check looks for the same kind of step in one
series: sudden, and not shared).

Assumes that a real effect shows in the units alike, or in time where it should. One unit that steps at the very date,
with no record of its sensor, can't be told from an effect: then nothing is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.checks.leave_one_out import is_unlike
from passerelle.lab.inference.steps import changed_decimals, changed_noise, find_step
from passerelle.lab.panel import Flags, Floats
from passerelle.lab.result import Check, Outcome

NAME = "changed_sensor"
Changed = Callable[[Floats, Floats, Flags], Flags]
_SEVERAL = 3


def check_changed_sensor(case: Case) -> Check:
    """Failed where the claim isn't made without units whose sensor changed, or the step came at another time."""
    marked = _marked(case)
    odd = _odd(case)
    if case.claim is not Claim.EFFECT and not marked.any():
        return _tell_odd(case, odd) if _shrinks_without(case, odd) else not_claimed(NAME)
    looks = {"odd": odd, "noise": _by_unit(case, changed_noise), "decimals": _by_unit(case, changed_decimals)}
    for reason, units in {"marked": marked, **looks}.items():
        if not units.any() or _stands_without(case, units):
            continue
        numbers = {"units": float(units.sum()), "treated": float((units & case.panel.treated).sum())}
        names = {"unit": case.panel.units[int(units.argmax())]}
        return Check(NAME, Outcome.FAILED, reason, numbers, names)
    step = find_step(*_gap(case))
    if step is not None:
        return Check(NAME, Outcome.FAILED, "elsewhere", {"since": float(step.since), "size": step.size})
    if marked.any():
        return Check(NAME, Outcome.PASSED, "same_without", {"units": float(marked.sum())})
    if case.context.sensors is None and case.panel.treated.sum() < _SEVERAL:
        return Check(NAME, Outcome.NOT_APPLICABLE, "not_known")
    return Check(NAME, Outcome.PASSED, "none")


def _marked(case: Case) -> Flags:
    first, last = case.panel.times[0], case.panel.times[-1]
    marked = np.zeros(len(case.panel.units), dtype=bool)
    for mark in case.context.sensors or ():
        marked[mark.unit] |= first < mark.at <= last
    return marked


def _stands_without(case: Case, units: Flags) -> bool:
    """Whether the claim is made by the other units too; not where they are all of one side."""
    treated = case.panel.treated
    if units[treated].all() or ((~treated).any() and units[~treated].all()):
        return False
    return case.survives(case.again(~units))


def _shrinks_without(case: Case, units: Flags) -> bool:
    """Whether, where no effect is claimed, more than half of what was seen to move is those units'."""
    without = case.again(~units) if units.any() else None
    return without is not None and abs(without.effect) < abs(case.result.effect) / 2


def _tell_odd(case: Case, units: Flags) -> Check:
    return Check(NAME, Outcome.FAILED, "odd", {}, {"unit": case.panel.units[int(units.argmax())]})


def _odd(case: Case) -> Flags:
    """The treated unit whose rise is farthest from the other treated units', where that is beyond chance."""
    found = np.zeros(len(case.panel.units), dtype=bool)
    treated = np.flatnonzero(case.panel.treated)
    if case.aligned is None or len(treated) < _SEVERAL:
        return found
    rises = case.aligned.rises(case.aligned.before, case.aligned.after)[0]
    seen = ~np.isnan(rises)
    if seen.sum() >= _SEVERAL:
        farthest = int(np.abs(rises[seen] - np.median(rises[seen])).argmax())
        found[treated[seen][farthest]] = is_unlike(rises[seen], farthest)
    return found


def _by_unit(case: Case, changed: Changed) -> Flags:
    """The treated units that changed so between the times before the first start and those from the last on."""
    panel = case.panel
    start = int(np.searchsorted(panel.times, panel.starts[0])) - case.question.anticipation
    before, after = panel.outcomes[:, : max(start, 0)], panel.outcomes[:, panel.times >= panel.starts[-1]]
    return changed(before, after, panel.treated)


def _gap(case: Case) -> tuple[Floats, Floats]:
    """Treated less comparison, and the times since the change; what the method expected stands in for the latter."""
    if case.aligned is not None and case.refit is None:
        return case.aligned.gap(), case.aligned.since.astype(float)
    path = case.result.path
    if path is None:
        return np.empty(0), np.empty(0)
    since = np.arange(len(path.times)) - np.searchsorted(path.times, case.panel.starts[0])
    return path.observed - path.expected, since.astype(float)
