"""Studies of changes that never were, cut from a panel's own history: what they find, they find by chance.

A placebo study takes a window of the history that touches no excluded time and the units seen throughout it, and lots
say which of them are treated with nothing. Windows overlap and share units, so that a thousand studies are not a
thousand independent ones: each names its treated clusters and its stretch of time, and shares are bounded by drawing
clusters and stretches anew, each by itself (Owen 2007, doi:10.1214/07-AOAS122). A study of several clusters belongs to
each of them (to first order in how often each was drawn; on such arrays: Davezies, D'Haultfœuille, Guyonvarch 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.model.errors import InvalidValueError, StudyError

RESAMPLES = 1000
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """A study's size: how many clusters are treated, or which units, and its times before and after the change.

    Where no clusters are given each unit is its own. With more than one of `waves` lots deal the treated clusters to
    as many starts: the first after the times before, the others a wave's share of the times after apart.
    """

    treated: int | tuple[str, ...]
    before: int
    after: int
    waves: int = 1

    def __post_init__(self) -> None:
        counts = {"treated": self.count, "before": self.before, "after": self.after, "waves": self.waves}
        for name, count in counts.items():
            if count < 1:
                raise InvalidValueError(f"{name} is {count}; 1 or more is needed", where=name)
        if self.waves > min(self.count, self.after):
            raise InvalidValueError(f"{self.waves} waves are more than treated clusters or times after", where="waves")

    @property
    def count(self) -> int:
        """How many units are treated."""
        return self.treated if isinstance(self.treated, int) else len(self.treated)

    @property
    def length(self) -> int:
        """Times in the window."""
        return self.before + self.after


@dataclass(frozen=True, slots=True, eq=False)
class Placebo:
    """A window with a change that never was; the treated clusters and the stretch of time it belongs to."""

    panel: Panel
    units: tuple[int, ...]
    stretch: int

    @property
    def mean(self) -> float:
        """The treated units' mean before the change."""
        panel = self.panel
        return float(panel.outcomes[panel.treated][:, panel.times < panel.starts[0]].mean())

    def raised(self, effect: float) -> Panel:
        """The same with an effect, as much for every treated unit from its own start on."""
        panel = self.panel
        return panel.with_outcomes(panel.outcomes + effect * (panel.times >= panel.first[:, None]))


def draw_placebos(
    history: Panel, shape: Shape, count: int, seed: int, excluded: Flags | None = None, least_seen: float = 1.0
) -> Iterator[Placebo]:
    """`count` placebo studies of `shape`, the same for the same seed; `excluded` says which times none may touch.

    Units take part that were seen at the share `least_seen` of the times before the change and of those after.
    """
    random = np.random.default_rng(seed)
    starts = _free_starts(history, shape, excluded)
    named = None if isinstance(shape.treated, int) else [history.units.index(one) for one in shape.treated]
    for _ in range(count):
        for _ in range(_TRIES):
            start = int(random.choice(starts))
            columns = np.arange(start, start + shape.length)
            seen = _see(history.outcomes[:, columns], shape, least_seen)
            pool = np.flatnonzero(seen)
            clusters = np.unique(history.clusters[pool])
            if named is None and len(clusters) >= shape.count:
                chosen = random.choice(clusters, shape.count, replace=False)
                break
            if named is not None and seen[named].all():
                chosen = random.permutation(np.unique(history.clusters[named]))
                break
        else:
            raise StudyError("hardly any window of the history has enough units seen throughout", where="history")
        first = np.full(len(history.units), np.inf)
        treated = pool[np.isin(history.clusters[pool], chosen)] if named is None else np.array(named)
        wave = (chosen == history.clusters[treated][:, None]).argmax(axis=1) % shape.waves
        first[treated] = history.times[start + shape.before + wave * (shape.after // shape.waves)]
        yield Placebo(history.with_first(first).select(seen, columns), tuple(chosen.tolist()), start // shape.length)


def _see(outcomes: Floats, shape: Shape, least: float) -> Flags:
    """Which units were seen enough on both sides of the change."""
    there = ~np.isnan(outcomes)
    sides = (there[:, : shape.before], there[:, shape.before :])
    return np.asarray(np.logical_and(*(side.mean(axis=1) >= least for side in sides)), dtype=np.bool_)


def _free_starts(history: Panel, shape: Shape, excluded: Flags | None) -> Indices:
    there = len(np.unique(history.clusters))
    if isinstance(shape.treated, int) and shape.count > there:
        raise StudyError(f"{shape.count} are to be treated, of {there}", where="treated")
    count = len(history.times) - shape.length + 1
    if count < 1:
        raise StudyError(
            f"the history has {len(history.times)} times; a study of {shape.before} before and {shape.after} after "
            "does not fit in it",
            where="history",
        )
    touched = np.zeros(len(history.times)) if excluded is None else excluded.astype(float)
    in_window = np.convolve(touched, np.ones(shape.length), mode="valid")
    free = np.flatnonzero(in_window < 0.5)
    if not len(free):
        raise StudyError("every window of the history touches a time that is excluded", where="excluded")
    return free


def bound_share(counted: Flags, units: Indices, stretches: Indices, level: float, seed: int) -> tuple[float, float]:
    """Between which shares `counted` lies at `level`, units and stretches of time drawn anew, each by itself.

    `units` has a row a study, its treated units; `stretches` its stretch.
    """
    random = np.random.default_rng(seed)
    shares = np.empty(RESAMPLES)
    unit, stretch = (np.unique(one, return_inverse=True)[1] for one in (units, stretches))
    for row in range(RESAMPLES):
        weights = (1 + (_again(random, unit) - 1).sum(axis=1)) * _again(random, stretch)
        total = weights.sum()
        shares[row] = np.clip(weights @ counted / total, 0, 1) if total > 0 else np.nan
    low, high = np.nanquantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _again(random: np.random.Generator, member: Indices) -> Floats:
    """How often each study's units (or its stretch) came when as many were drawn with replacement."""
    count = int(member.max()) + 1
    return np.bincount(random.integers(count, size=count), minlength=count)[member].astype(float)
