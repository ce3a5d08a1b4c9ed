"""Two groups seen at the same times, before and after a change in one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passerelle.lab.panel import Flags, Floats
from passerelle.model.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Paired:
    """Times in ascending order, the two groups' outcomes at each, and whether it came after the change.

    `times` are in any one unit; `covariates` has a row for each time and, where calendar effects
    are to be taken out, a column for each but the first weekday or season.
    """

    times: Floats
    treated: Floats
    comparison: Floats
    after: Flags
    covariates: Floats

    def __post_init__(self) -> None:
        count = len(self.times)
        for name in ("treated", "comparison", "after", "covariates"):
            if len(getattr(self, name)) != count:
                raise InvalidValueError(f"{name} has {len(getattr(self, name))} rows for {count} times", where=name)
        for name in ("times", "treated", "comparison", "covariates"):
            if not np.isfinite(getattr(self, name)).all():
                raise InvalidValueError(f"{name} holds a number that is not finite", where=name)
        if (np.diff(self.times) <= 0).any():
            raise InvalidValueError("times must ascend without repeating", where="times")

    @property
    def difference(self) -> Floats:
        """Treated minus comparison at each time."""
        return self.treated - self.comparison

    def select(self, rows: NDArray[np.intp], after: Flags) -> Paired:
        """The given rows, with `after` in place of theirs: another window, or a change that never was."""
        return Paired(self.times[rows], self.treated[rows], self.comparison[rows], after, self.covariates[rows])

    def alone(self) -> Paired:
        """The treated group against nothing."""
        return Paired(self.times, self.treated, np.zeros_like(self.treated), self.after, self.covariates)


def paired(
    times: Floats, treated: Floats, comparison: Floats, after: Flags, covariates: Floats | None = None
) -> Paired:
    """The arrays as `Paired`; no covariates unless given."""
    extra = np.empty((len(times), 0)) if covariates is None else covariates
    return Paired(times, treated, comparison, np.asarray(after, dtype=bool), extra)
