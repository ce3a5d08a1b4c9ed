"""Definitions: series that don't measure the same are not compared."""

from __future__ import annotations

from passerelle.model.series import Series
from passerelle.trust.check import Offered
from passerelle.trust.judge import compare


def offered(quantity: str, seconds: float = 86400) -> Offered:
    return Offered(Series("f", "p", quantity), seconds)


def test_daily_maxima_are_no_comparison_for_a_daily_mean() -> None:
    """The low-emission zone's data: Paris as daily means, the other cities as daily maxima; refused, and why."""
    ((check, unlike),) = compare(offered("no2_daily_mean"), offered("no2_daily_max"))
    assert check == "definitions"
    assert "the mean" in unlike.reason["en"]
    assert "le maximum" in unlike.reason["fr"]
    assert unlike.evidence["statistic"] == {"treated": "mean", "comparison": "max"}


def test_two_daily_means_may_be_compared() -> None:
    """The same quantity over days, one of them a day of 25 hours, is alike."""
    assert compare(offered("no2_daily_mean"), offered("no2_daily_mean", 90000)) == []


def test_units_and_kinds_must_agree() -> None:
    """Bicycles per hour and megawatts differ in unit, kind and statistic."""
    assert len(compare(offered("bicycle_count"), offered("electricity_demand"))) == 3


def test_half_hours_are_not_hours() -> None:
    """Power per half-hour and per hour have one unit and unlike intervals."""
    ((_, unlike),) = compare(offered("electricity_demand", 1800), offered("electricity_demand", 3600))
    assert "30 minutes" in unlike.reason["en"]
