"""Steps that a sensor makes and a change in the city doesn't: at another time, in the noise, in the decimals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Flags, Floats

_EDGE = 3
"""Times on each side of a step that show its level."""

_SURE = 12.0
"""How much better, in noise variances, a step elsewhere must explain the gap than one at the change: twice a log
likelihood ratio. Of gaps with a step of 2.8 errors at the change, two in a hundred or fewer were found to have one."""

_LEFT = 1.96
_SUDDEN = 0.7
_NEAR = 4
_FEWEST = 8
_DOUBLE = float(np.log(2))
_DEVIATIONS = 4.0
_DECIMALS = 6
_ROUNDING = 16 * float(np.finfo(float).eps)
"""Beside a number: what is left of it when it was added, divided and shifted a few times. More would be decimals."""
_SHARE = 0.9
_FEWEST_UNITS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the gap `since` times after the change (before it where negative), and its size."""

    since: int
    size: float


def find_step(gap: Floats, since: Floats) -> Step | None:
    """The sudden step that explains `gap` instead of one at since = 0; None where there is none, or 0 keeps a step.

    An effect that grows evenly from 0 on is left to 0 too. Least squares of two levels, the noise's dependence from
    time to time counted in (variance times (1 + r) / (1 - r), r the correlation of neighbours).
    """
    seen = ~np.isnan(gap)
    gap, since = gap[seen], since[seen]
    count, change = len(gap), int(np.searchsorted(since, 0))
    if change < _EDGE or count - change < _EDGE:
        return None
    places = np.arange(_EDGE, count - _EDGE + 1)
    sums = np.cumsum(gap)
    left, right = sums[places - 1] / places, (sums[-1] - sums[places - 1]) / (count - places)
    explained = (right - left) ** 2 * places * (count - places) / count
    best = int(explained.argmax())
    place, size = int(places[best]), float(right[best] - left[best])
    residuals = gap - np.where(np.arange(count) < place, left[best], right[best])
    noise = _long_run_variance(residuals)
    at_date = max(float(explained[change - _EDGE]), _explain_ramp(gap, change, place))
    if noise <= 0 or float(explained[best]) - at_date < _SURE * noise or not _is_sudden(gap, place, size):
        return None
    at_place, at_change = np.arange(count) >= place, np.arange(count) >= change
    matrix = np.column_stack([np.ones(count), at_place, at_change]).astype(float)
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return None
    inverse = np.linalg.inv(matrix.T @ matrix)
    kept = float((inverse @ (matrix.T @ gap))[2])
    return None if abs(kept) > _LEFT * np.sqrt(noise * inverse[2, 2]) else Step(int(since[place]), size)


def _explain_ramp(gap: Floats, change: int, place: int) -> float:
    """The most that an effect explains which grows evenly from the change on, over up to twice the way to `place`."""
    most = 0.0
    for length in range(2, 2 * (place - change) + 2):
        ramp = np.clip((np.arange(len(gap)) - change + 1) / length, 0, 1)
        ramp = ramp - ramp.mean()
        most = max(most, float(ramp @ gap) ** 2 / float(ramp @ ramp))
    return most


def _long_run_variance(residuals: Floats) -> float:
    variance = float(residuals @ residuals) / (len(residuals) - 2)
    if variance <= 0:
        return 0.0
    correlation = float(np.clip(residuals[1:] @ residuals[:-1] / (residuals @ residuals), 0.0, 0.95))
    return variance * (1 + correlation) / (1 - correlation)


def _is_sudden(gap: Floats, place: int, size: float) -> bool:
    near = float(np.median(gap[place : place + _NEAR]) - np.median(gap[max(place - _NEAR, 0) : place]))
    return bool(near * np.sign(size) >= _SUDDEN * abs(size))


def changed_noise(before: Floats, after: Floats, judged: Flags) -> Flags:
    """Which judged units' noise (median step from time to time) changed unlike the others', and by a factor of two.

    What the level changed by is allowed on top: counts and shares are noisier at higher levels.
    """
    found = np.zeros(len(before), dtype=bool)
    if min(before.shape[1], after.shape[1]) < _FEWEST or (~judged).sum() < _FEWEST_UNITS:
        return found
    ratios = _log_ratio(_noise(before), _noise(after))
    others = ratios[~judged & ~np.isnan(ratios)]
    if len(others) < _FEWEST_UNITS:
        return found
    middle = float(np.median(others))
    spread = 1.4826 * float(np.median(np.abs(others - middle)))
    levels = _log_ratio(np.abs(_median(before)), np.abs(_median(after)))
    allowed = np.maximum(_DEVIATIONS * spread, _DOUBLE + np.abs(np.nan_to_num(levels)))
    found[judged] = np.abs(np.nan_to_num(ratios - middle))[judged] > allowed[judged]
    return found


def changed_decimals(before: Floats, after: Floats, judged: Flags) -> Flags:
    """Which judged units are written with another number of decimals after, while most others are not."""
    found = np.zeros(len(before), dtype=bool)
    if min(before.shape[1], after.shape[1]) < _FEWEST:
        return found
    for row in np.flatnonzero(judged):
        found[row] = _decimals(before[row]) != _decimals(after[row])
    if found.any():
        others = [_decimals(before[row]) != _decimals(after[row]) for row in np.flatnonzero(~judged)]
        found &= sum(others) <= (1 - _SHARE) * len(others)
    return found


def _decimals(values: Floats) -> int:
    """The fewest decimals that nine in ten values have, up to six."""
    seen = values[~np.isnan(values)]
    for decimals in range(_DECIMALS):
        shifted = seen * 10**decimals
        rounding = _ROUNDING * np.maximum(1, np.abs(shifted))
        if len(seen) and (np.abs(shifted - np.rint(shifted)) < rounding).mean() >= _SHARE:
            return decimals
    return _DECIMALS


def _noise(rows: Floats) -> Floats:
    return _median(np.abs(np.diff(rows, axis=1)))


def _median(rows: Floats) -> Floats:
    """The median of what was seen of each row; NaN where nothing was."""
    found = np.full(len(rows), np.nan)
    some = ~np.isnan(rows).all(axis=1)
    found[some] = np.nanmedian(rows[some], axis=1)
    return found


def _log_ratio(before: Floats, after: Floats) -> Floats:
    found = np.full(len(before), np.nan)
    good = (np.nan_to_num(before) > 0) & (np.nan_to_num(after) > 0)
    found[good] = np.log(after[good] / before[good])
    return found
