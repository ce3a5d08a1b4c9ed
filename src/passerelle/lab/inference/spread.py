"""Where nothing varies that a method measures chance by, it can't say how sure an effect is: there is no interval.

Placebos that are all alike, units that all moved alike, a series that follows its trend to the last digit: the error
that comes out is nothing but rounding, and an interval made of it would be a point. No other outcome is as sure as it
looks there: recordings without any chance are copies, or a formula's. All methods give an endless interval then, the
p value 1, and the inference `never_varies`, which the check `too_few_units` refutes any verdict by.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec

import numpy as np

from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.result import Path, Result

NEVER_VARIES = "never_varies"
"""The inference where there is no interval since nothing varies."""

NOTHING = 1e-13
"""An error this small beside the largest outcome is rounding: numbers have 16 digits, and sums lose some."""

Asked = ParamSpec("Asked")

_ENDLESS = (-math.inf, math.inf)
_ANY_FIT = "too_poor_fit"
"""The inference that is also endless where every group is matched exactly."""


def without_point_intervals(
    estimate: Callable[Concatenate[Panel, Asked], Result],
) -> Callable[Concatenate[Panel, Asked], Result]:
    """The method, with an endless interval where its error is nothing but rounding."""

    @wraps(estimate)
    def bounded(panel: Panel, /, *args: Asked.args, **named: Asked.kwargs) -> Result:
        result = estimate(panel, *args, **named)
        known = all(map(math.isfinite, result.interval)) or result.inference == _ANY_FIT
        return unbound(result) if known and is_nothing(result.se, panel.outcomes) else result

    return bounded


def is_nothing(error: float, outcomes: Floats) -> bool:
    """Whether an error is rounding, beside the outcomes it is made of."""
    return bool(are_nothing(np.array([error]), outcomes)[0])


def are_nothing(values: Floats, outcomes: Floats) -> Flags:
    """Which values are rounding, beside the outcomes they are made of; NaN is not."""
    return np.asarray(np.abs(values) <= NOTHING * float(np.nanmax(np.abs(outcomes))))


def unbound(result: Result) -> Result:
    """The result without any interval, of its parts neither."""
    return replace(
        result,
        se=math.inf,
        interval=_ENDLESS,
        p_value=1.0,
        smallest_p=1.0,
        inference=NEVER_VARIES,
        path=None if result.path is None else _without_bounds(result.path),
        events=tuple(replace(one, se=math.inf, interval=_ENDLESS, band=None) for one in result.events),
        parts=tuple(replace(one, se=math.inf, interval=_ENDLESS) for one in result.parts),
    )


def _without_bounds(path: Path) -> Path:
    unknown = np.full(len(path.times), np.nan)
    return replace(path, low=unknown, high=unknown)
