"""Two sides that only bear the same name are not compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.definitions import check_definitions
from passerelle.lab.context import Context, Definition
from passerelle.studies.told.words import explain_check

MEAN = Definition("NO2", "µg/m³", "mean", "a day")


def test_daily_maxima_against_daily_means() -> None:
    """The difference is named in the sentence."""
    found = check_definitions(case(draw(1), Context(definitions=(MEAN, replace(MEAN, statistic="maximum")))))
    assert told(found) == ("failed", "statistic")
    assert "gives the mean, the comparison the maximum" in explain_check(found, None, {})["en"]


@pytest.mark.parametrize(
    ("other", "outcome"),
    [
        (MEAN, ("passed", "alike")),
        (replace(MEAN, unit="ppb"), ("failed", "unit")),
        (replace(MEAN, quantity="NOx"), ("failed", "quantity")),
        (replace(MEAN, interval="an hour"), ("failed", "interval")),
        (replace(MEAN, unit="ppb", interval="an hour"), ("failed", "unlike")),
        # Of two quantities it isn't told how else they differ.
        (replace(MEAN, quantity="NOx", unit="ppb"), ("failed", "quantity")),
    ],
)
def test_what_differs_is_the_reason(other: Definition, outcome: tuple[str, str]) -> None:
    """Each part of a definition refutes by itself."""
    assert told(check_definitions(case(draw(1), Context(definitions=(MEAN, other))))) == outcome
