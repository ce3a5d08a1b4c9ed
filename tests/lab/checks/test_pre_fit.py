"""A comparison that missed before is not believed after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.pre_fit import check_pre_fit
from passerelle.lab.result import Path


@pytest.mark.parametrize(
    ("missed", "outcome"), [(0.2, ("passed", "close")), (2.5, ("failed", "poor")), (-2.5, ("failed", "poor"))]
)
def test_a_misfit_that_reaches_zero(missed: float, outcome: tuple[str, str]) -> None:
    """An effect of 4 with an interval from 2 to 6: a mean gap before of 2 or more takes it to zero."""
    one = case(draw(1, effect=4))
    gap = np.where(one.panel.times < 24, missed, 4.0)
    none = np.full(len(gap), np.nan)
    path = Path(one.panel.times, gap, 0 * gap, none, none)
    result = replace(one.result, effect=4.0, interval=(2.0, 6.0), path=path)
    assert told(check_pre_fit(replace(one, result=result))) == outcome
    assert told(check_pre_fit(replace(one, result=replace(result, path=None)))) == ("not_applicable", "no_path")
