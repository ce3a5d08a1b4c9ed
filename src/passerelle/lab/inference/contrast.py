"""The difference between two sides of a cross-section, one number a unit, with errors for units alike in clusters.

Three inferences, for many clusters on both sides, for few, and for very few on one:

- `cluster_t`: the variance CR2 and its degrees of freedom (Bell and McCaffrey 2002, Survey Methodology 28(2), 169-181;
  Pustejovsky and Tipton 2018, doi:10.1080/07350015.2016.1247004). Without traits, where each unit is a cluster,
  that is the two-sample t statistic with unequal variances.
- `wild`: the wild cluster bootstrap with the null imposed (Cameron, Gelbach and Miller 2008,
  doi:10.1162/rest.90.3.414), with the six weights of Webb (2023, doi:10.1111/caje.12661).
- `exchange` (a file of its own): every other choice of as many clusters could as well have been the treated one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from passerelle.lab.panel import Flags, Floats, Indices
from passerelle.model.errors import StudyError

DRAWS = 1999
"""Of the wild bootstrap. A p value of 5 % is then off by 0.5 points (one standard error), and 0.05 (1999 + 1) whole."""

_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
_HALVINGS = 60
_SAME = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """How sure an effect is: standard error, ends, p value, and the smallest that could have come."""

    se: float
    ends: tuple[float, float]
    p_value: float
    smallest_p: float = 0.0

    def around(self, effect: float) -> Interval:
        """The same, widened to `effect` where rounding left it outside."""
        return replace(self, ends=(min(self.ends[0], effect), max(self.ends[1], effect)))


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """Of each unit a number, its `dose` of the change, the side it is on, its cluster and its traits.

    The dose is 1 on the treated side and 0 on the other, or what is left of that where some cells are absent.
    """

    values: Floats
    dose: Floats
    treated: Flags
    clusters: Indices
    traits: Floats

    def __post_init__(self) -> None:
        if np.linalg.matrix_rank(self.design) < self.design.shape[1]:
            raise StudyError("the change can't be told from the traits of the units", where="covariates")

    @property
    def design(self) -> Floats:
        """A column for the treated side, one of ones, and the traits."""
        return np.column_stack([self.treated.astype(float), np.ones(len(self.values)), self.traits])

    @property
    def effect(self) -> float:
        """The difference between the sides, traits taken out, for one dose."""
        values, dose = np.linalg.lstsq(self.design, np.column_stack([self.values, self.dose]))[0][0]
        return float(values / dose)

    @property
    def sides(self) -> tuple[int, int]:
        """Clusters with units on the treated and on the other side."""
        return len(np.unique(self.clusters[self.treated])), len(np.unique(self.clusters[~self.treated]))


def cluster_t(data: Contrast, level: float) -> Interval:
    """The interval by the variance CR2 and Student's t."""
    from scipy import special

    design, effect = data.design, data.effect
    bread: Floats = np.linalg.inv(design.T @ design).astype(np.float64)
    dose = float(np.linalg.lstsq(design, data.dose)[0][0])
    values = data.values - effect * data.dose
    residuals = values - design @ np.linalg.lstsq(design, values)[0]
    sums, own, shared = [], [], []
    for members in _members(data.clusters):
        rows = design[members]
        leverage, vectors = np.linalg.eigh(np.eye(len(members)) - rows @ bread @ rows.T)
        root = np.where(leverage > 1e-10, leverage, np.inf) ** -0.5
        adjusted = vectors @ (root * (vectors.T @ (rows @ bread[:, 0])))
        sums.append(adjusted @ residuals[members])
        own.append(adjusted @ adjusted)
        shared.append(rows.T @ adjusted)
    se = float(np.sqrt(np.sum(np.square(sums)))) / abs(dose)
    degrees = _satterthwaite(np.array(own), np.array(shared), bread)
    half_width = float(special.stdtrit(degrees, (1 + level) / 2)) * se
    p_value = float(2 * special.stdtr(degrees, -abs(effect) / se)) if se else float(effect == 0)
    return Interval(se, (effect - half_width, effect + half_width), p_value)


def _satterthwaite(own: Floats, shared: Floats, bread: Floats) -> float:
    """Degrees of freedom of the sum of squares whose parts have the covariance diag(own) - shared bread shared'."""
    common = np.einsum("gi,ij,gj->g", shared, bread, shared)
    trace = float((own - common).sum())
    crossed = bread @ (shared.T @ shared)
    square = float((own**2 - 2 * own * common).sum() + np.trace(crossed @ crossed))
    return trace**2 / square


def wild(data: Contrast, level: float, seed: int) -> Interval:
    """The interval of the effects that the wild cluster bootstrap doesn't reject, found by halving."""
    weights = _webb(len(np.unique(data.clusters)), seed)
    test = _WildTest(data, weights)
    effect, se = data.effect, test.se
    if se == 0:
        return Interval(0.0, (effect, effect), 1.0)
    ends = []
    for side in (-1.0, 1.0):
        inside, outside = effect, effect + side * 4 * se
        while test.p_value(outside) > 1 - level and abs(outside - effect) < 1e6 * se:
            inside, outside = outside, effect + 2 * (outside - effect)
        if test.p_value(outside) > 1 - level:
            ends.append(side * np.inf)
            continue
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if test.p_value(middle) > 1 - level else (inside, middle)
        ends.append(outside)
    return Interval(se, (ends[0], ends[1]), test.p_value(0.0), 1 / (DRAWS + 1))


class _WildTest:
    """The bootstrap test of a hypothesis "the effect is so much", on sums over clusters."""

    def __init__(self, data: Contrast, weights: Floats) -> None:
        design = data.design
        self._weights = weights
        self._groups = np.unique(data.clusters, return_inverse=True)[1]
        rest = design[:, 1:]
        side = design[:, 0] - rest @ np.linalg.lstsq(rest, design[:, 0])[0]
        self._influence = side / (side @ side)
        # Residuals with the null imposed are linear in the effect supposed.
        both = np.column_stack([data.values, data.dose])
        self._restricted = both - rest @ np.linalg.lstsq(rest, both)[0]
        self._numerators = self._influence @ both
        # A cluster's score of the bootstrap's own fit, from the residuals that were imposed.
        self._member = np.eye(int(self._groups.max()) + 1)[self._groups]
        scored = self._member.T * self._influence
        basis = np.linalg.qr(design)[0]
        self._scores = scored - (scored @ basis) @ basis.T
        own = self._scores @ (data.values - data.effect * data.dose)
        self.se = float(np.sqrt((own**2).sum()) / abs(self._numerators[1]))

    def p_value(self, supposed: float) -> float:
        """The share of draws with a t statistic as large, the one that was seen among them."""
        residuals = self._restricted @ np.array([1.0, -supposed])
        estimate = float(self._numerators @ np.array([1.0, -supposed]))
        seen = abs(estimate) / np.sqrt(((self._scores @ residuals) ** 2).sum())
        numerators = np.abs(self._weights @ (self._member.T @ (self._influence * residuals)))
        spreads = np.sqrt(((self._weights @ ((self._scores * residuals) @ self._member).T) ** 2).sum(axis=1))
        larger = int((numerators >= seen * spreads * (1 - _SAME)).sum())
        return (larger + 1) / (len(self._weights) + 1)


def _webb(clusters: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    return random.choice(np.concatenate([-_WEBB, _WEBB]), size=(DRAWS, clusters))


def _members(clusters: Indices) -> list[Indices]:
    order = np.argsort(clusters, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
