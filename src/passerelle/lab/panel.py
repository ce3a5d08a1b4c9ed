"""Units seen at the same times, and from which time each had the change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from passerelle.model.errors import InvalidValueError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

LARGEST = 1e60
"""The size of outcomes up to which sums of their fourth powers are numbers that a computer has (10^308); so is one over
it the size down to which."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Outcomes of units (rows) at times (columns).

    `times` ascend, in any one unit; `outcomes` are NaN where nothing was seen; `first` is the time from which a unit
    had the change, infinite where it never did. `clusters` number the groups in which units are alike or were
    assigned together. `traits` are facts about units that the change can't have moved, a row a unit;
    `surroundings` are what moved all units (weather, holidays), a row a time. `strata` number the groups of units
    within which lots were drawn; `given` says, a row a unit, at which times it had a change that came and went.
    """

    units: tuple[str, ...]
    times: Floats
    outcomes: Floats
    first: Floats
    clusters: Indices
    traits: Floats
    surroundings: Floats
    strata: Indices | None = None
    given: Flags | None = None

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.times))
        if self.outcomes.shape != shape:
            raise InvalidValueError(f"outcomes have the shape {self.outcomes.shape}, not {shape}", where="outcomes")
        for name, count in (("first", 0), ("clusters", 0), ("traits", 0), ("surroundings", 1)):
            if len(getattr(self, name)) != shape[count]:
                raise InvalidValueError(f"{name} has {len(getattr(self, name))} rows, not {shape[count]}", where=name)
        if self.strata is not None and len(self.strata) != shape[0]:
            raise InvalidValueError(f"strata has {len(self.strata)} rows, not {shape[0]}", where="strata")
        if self.given is not None and self.given.shape != shape:
            raise InvalidValueError(f"given has the shape {self.given.shape}, not {shape}", where="given")
        if len(set(self.units)) != len(self.units):
            raise InvalidValueError("a unit comes twice", where="units")
        if not np.isfinite(self.times).all() or (np.diff(self.times) <= 0).any():
            raise InvalidValueError("times must be finite and ascend without repeating", where="times")
        if np.isinf(self.outcomes).any() or np.isnan(self.first).any():
            raise InvalidValueError("outcomes may not be infinite, nor `first` not a number", where="outcomes")
        largest = float(np.nanmax(np.abs(self.outcomes), initial=0.0))
        if largest > LARGEST or 0 < largest < 1 / LARGEST:
            raise InvalidValueError(
                f"the largest outcome is {largest:.3g} in size; from {1 / LARGEST:.0e} to {LARGEST:.0e} can be squared "
                "and summed: take another unit of measurement",
                where="outcomes",
            )
        for name in ("traits", "surroundings"):
            if not np.isfinite(getattr(self, name)).all():
                raise InvalidValueError(f"{name} holds a number that is not finite", where=name)

    @property
    def treated(self) -> Flags:
        """Which units had the change within the times."""
        return np.asarray(self.first <= self.times[-1])

    @property
    def starts(self) -> Floats:
        """The times at which units began to have the change, ascending, each once."""
        return np.unique(self.first[self.treated])

    @property
    def complete(self) -> bool:
        """Whether every unit was seen at every time."""
        return not np.isnan(self.outcomes).any()

    def select(self, rows: Indices | Flags, columns: Indices | Flags | slice = slice(None)) -> Panel:
        """The given units at the given times."""
        kept = np.arange(len(self.units))[rows]
        return Panel(
            units=tuple(self.units[row] for row in kept),
            times=self.times[columns],
            outcomes=self.outcomes[kept][:, columns],
            first=self.first[kept],
            clusters=self.clusters[kept],
            traits=self.traits[kept],
            surroundings=self.surroundings[columns],
            strata=None if self.strata is None else self.strata[kept],
            given=None if self.given is None else self.given[kept][:, columns],
        )

    def with_clusters(self, clusters: Indices) -> Panel:
        """The same units grouped otherwise."""
        return replace(self, clusters=clusters)

    def with_outcomes(self, outcomes: Floats) -> Panel:
        """The same units and times with other outcomes."""
        return replace(self, outcomes=outcomes)

    def with_first(self, first: Floats) -> Panel:
        """The same outcomes as if the change had come to units at `first`, for good: a placebo."""
        return replace(self, first=first, given=None)


def panel(
    units: tuple[str, ...],
    times: Floats,
    outcomes: Floats,
    first: Floats,
    *,
    clusters: Indices | None = None,
    traits: Floats | None = None,
    surroundings: Floats | None = None,
    strata: Indices | None = None,
    given: Flags | None = None,
) -> Panel:
    """The arrays as a `Panel`: each unit its own cluster, nothing known about units and times, unless given."""
    return Panel(
        units,
        times,
        outcomes,
        first,
        np.arange(len(units)) if clusters is None else clusters,
        np.empty((len(units), 0)) if traits is None else traits,
        np.empty((len(times), 0)) if surroundings is None else surroundings,
        strata,
        given,
    )
