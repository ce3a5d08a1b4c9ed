"""Inference where few had the change: others could as well have been the ones.

An estimate is linear in the outcomes. Were the effect `tau`, the estimate for another choice of treated clusters, from
outcomes less `tau` for the treated, is `shift - slope * tau`; the choice that was made has slope 1. Where clusters
are exchangeable but for the change, the estimate is as likely to rank anywhere among all choices, so that the share of
choices with an estimate as large is a p value, and the interval holds each `tau` whose p value is above 1 - level
(Fisher 1935; Conley and Taber 2011, doi:10.1162/REST_a_00049; MacKinnon and Webb 2020,
doi:10.1016/j.jeconom.2020.04.024). With n choices no p value is below 1/n.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from passerelle.lab.inference.contrast import Contrast, Interval
from passerelle.lab.panel import Floats, Indices

MOST = 4999
"""So many choices are drawn where there are more: a p value of 5 % is then off by 0.3 points (one standard error)."""

_SAME = 1e-10


def choices(clusters: int, treated: Indices, seed: int, most: int = MOST) -> Indices:
    """Every way to choose as many of the `clusters`, a row each, the `treated` first; or `most` drawn of them."""
    size = len(treated)
    if math.comb(clusters, size) <= most:
        others = [one for one in combinations(range(clusters), size) if set(one) != set(treated.tolist())]
        return np.array([treated.tolist(), *others], dtype=np.intp)
    random = np.random.default_rng(seed)
    drawn = np.argsort(random.random((most, clusters)), axis=1)[:, :size]
    return np.vstack([treated, drawn]).astype(np.intp)


def exchange(shifts: Floats, slopes: Floats, level: float) -> Interval:
    """The interval from the estimates of all choices, the one that was made first."""
    effect = float(shifts[0] / slopes[0])
    shifts, slopes = shifts / slopes[0], slopes / slopes[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([(effect - shifts) / (1 - slopes), (effect + shifts) / (1 + slopes)])
    # With a slope of 1 or -1 the estimate is as large whatever the effect; with a steeper one it is for effects without
    # end, and is taken to be for all: the interval is then too wide rather than too narrow.
    same = np.abs(np.abs(slopes) - 1) < _SAME
    endless = same | (np.abs(slopes) > 1)
    low = np.sort(np.where(endless, -np.inf, roots.min(axis=0)))
    high = np.sort(np.where(endless, np.inf, roots.max(axis=0)))[::-1]
    rank = math.floor((1 - level) * len(shifts) + _SAME)
    as_large = np.abs(shifts) >= abs(effect) * (1 - _SAME)
    spread = shifts - slopes * effect
    return Interval(
        se=float(np.sqrt(np.mean(spread**2))),
        ends=(min(float(low[rank]), effect), max(float(high[rank]), effect)),
        p_value=float(as_large.mean()),
        smallest_p=float(same.mean()),
    )


def exchange_sides(data: Contrast, level: float, seed: int) -> Interval:
    """The interval of a contrast by all choices of as many treated clusters."""
    groups = np.unique(data.clusters, return_inverse=True)[1]
    treated = np.unique(groups[data.treated])
    rest = data.design[:, 1:]
    both = np.column_stack([data.values, data.dose])
    both = both - rest @ np.linalg.lstsq(rest, both)[0]
    member = np.eye(int(groups.max()) + 1)[:, groups]
    found = [_difference(member[chosen].sum(axis=0), rest, both) for chosen in choices(len(member), treated, seed)]
    shifts, slopes = np.array(found).T
    return exchange(shifts, slopes, level)


def _difference(side: Floats, rest: Floats, both: Floats) -> Floats:
    left = side - rest @ np.linalg.lstsq(rest, side)[0]
    found: Floats = left @ both / (left @ left)
    return found
