"""A synthetic method's comparison made again, of other units or earlier times: what placebos and leaving out ask for.

Only weights are found again, no interval: a comparison is one problem on the simplex, and an inference a thousand.
Those without one unit are found together, from the same products of outcomes and the same ridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from passerelle.lab.estimators.augmented import choose_asc
from passerelle.lab.estimators.synthetic_control import choose_sc
from passerelle.lab.estimators.synthetic_did import contrast_sdid
from passerelle.lab.panel import Floats, Indices
from passerelle.lab.weights.synthetic import FEWEST_BEFORE, ChooseContrast, Contrast, Setting

CONTRASTS: Mapping[str, ChooseContrast] = {
    "sc": choose_sc,
    "asc": choose_asc,
    "sdid": lambda _panel, _setting: contrast_sdid,
}
"""How each method weighs the units of a panel: what is made again is the estimate that is told."""

_SHOWN = 1e-4
_MOST = 20
"""Comparison units that are left out in turn: those with the largest weights."""

_MOST_DATES = 99
_MOST_DATES_OF_MANY = 19
_MANY = 1_000_000
"""Outcomes before the change. Every date is a comparison of its own, with all products of outcomes up to it: where
there are more dates than this they are looked at evenly apart, and fewer of them in a panel of so many outcomes."""


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """The treated units of `setting` and the way they are compared."""

    setting: Setting
    contrast: Contrast

    def effect(self, setting: Setting | None = None) -> float:
        """The effect, of another setting where one is given."""
        asked = setting or self.setting
        return float(self.contrast(asked, asked.shares).effects(asked)[0])

    def without_each(self) -> tuple[Indices, Floats]:
        """The comparison units with the most weight, and what leaving each out adds to the effect."""
        contrasts = self.contrast(self.setting, self.setting.shares)
        weights = np.where(self.setting.treated, 0.0, -contrasts.values[:, 0])
        order = np.argsort(-np.abs(weights), kind="stable")[:_MOST]
        rows = np.sort(order[np.abs(weights[order]) > _SHOWN])
        whole = float(contrasts.effects(self.setting)[0])
        without = np.arange(len(weights))[:, None] == rows
        shares = np.repeat(self.setting.shares, len(rows), axis=1)
        return rows, self.contrast(self.setting, shares, without=without).effects(self.setting) - whole

    def at_dates(self, dates: list[int], length: int) -> Floats:
        """The effect over `length` times from each column of the times before on, from the times before that one.

        Of 99 dates at most, or 19 where there are more than a million outcomes before; evenly apart, the first of
        `dates` among them.
        """
        before = self.setting.before
        asked = [date for date in dates if date >= FEWEST_BEFORE]
        most = _MOST_DATES if before.size <= _MANY else _MOST_DATES_OF_MANY
        if len(asked) > most:
            asked = [asked[at * len(asked) // most] for at in range(most)]
        return np.array(
            [
                self.effect(
                    Setting(self.setting.units, before[:, :date], before[:, date : date + length], self.setting.treated)
                )
                for date in asked
            ]
        )
