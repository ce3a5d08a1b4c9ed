"""How sure an effect is where few units but many times were seen: the gap after the change among gaps of other times.

For each size of effect that is asked about, it is taken off the treated units, the comparison is fitted to all times
(not only those before: gaps that a fit has seen are smaller than those it has not), and the sum of gaps after the
change is ranked among the sums over all other windows of the same length, the last time followed by the first
(Chernozhukov, Wüthrich and Zhu 2021, doi:10.1080/01621459.2021.1920957, moving blocks). The sizes with a share above
one minus the level are the interval.

Exact where the gaps without an effect look alike at all times, as they do where what moved them has passed after a few
(`steady_gaps`); a drift of the treated units from the comparison makes it too narrow.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.lab.weights.synthetic import Contrast, Setting

_DOUBLINGS = 12
_GRID = 64
_HALVINGS = 24
"""Ends are looked for on a grid that is doubled until both are on it, and then to 2^-24 of a step of it."""


class Conformal:
    """P values of sizes of the effect on the treated units of `setting`, which is made as `contrast` says."""

    def __init__(self, setting: Setting, contrast: Contrast) -> None:
        self._setting = setting
        self._contrast = contrast
        self._times: int = setting.before.shape[1] + setting.after.shape[1]

    @property
    def smallest_p(self) -> float:
        """The p value where no other window shows as much."""
        return 1 / self._times

    def p_value(self, size: float = 0.0) -> float:
        """The share of windows whose gaps sum to as much as those after the change, if the effect were `size`."""
        after = self._setting.after - size * self._setting.treated[:, None]
        every = np.hstack([self._setting.before, after])
        whole = Setting(self._setting.units, every, every, self._setting.treated)
        gaps = self._contrast(whole, self._setting.shares, None).gaps(every)[0]
        sums = _window_sums(gaps, after.shape[1])
        real = sums[-1]
        return float((sums >= real - 1e-9 * sums.max()).mean())

    def interval(self, effect: float, scale: float, level: float) -> tuple[float, float]:
        """The ends of the sizes around `effect` that are not refused; `scale` is a first guess of their distance."""
        ends = [self._end(effect, sign * scale, 1 - level) for sign in (-1, 1)]
        return min(ends[0], effect), max(ends[1], effect)

    def _end(self, effect: float, step: float, refused: float) -> float:
        if self.smallest_p > refused:
            return float(np.copysign(np.inf, step))
        for _ in range(_DOUBLINGS):
            if self.p_value(effect + _GRID * step) <= refused:
                break
            step *= 2
        else:
            return float(np.copysign(np.inf, step))
        kept = [at for at in range(_GRID) if self.p_value(effect + at * step) > refused]
        inside = float(max(kept, default=0))
        outside = inside + 1
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if self.p_value(effect + middle * step) > refused:
                inside = middle
            else:
                outside = middle
        return effect + outside * step


def _window_sums(gaps: Floats, length: int) -> Floats:
    """The size of the sum over each window of `length` gaps; the last is the one that ends with the last gap."""
    turned = np.concatenate([gaps, gaps[: length - 1]])
    sums = np.cumsum(np.concatenate([[0.0], turned]))
    return np.roll(np.abs(sums[length:] - sums[:-length]), length - 1)
