"""The document says what the page shows, and its numbers agree with one another."""

from __future__ import annotations

import copy
from datetime import date

import pytest

from passerelle.studies.told.finding import is_signed

from ..conftest import Case


def test_the_counterfactual_carries_the_effect(paris: Case) -> None:
    """The geometric mean of treated over counterfactual on the days after is one plus the effect."""
    chart = paris.finding["chart"]
    late = [day > chart["change_at"] for day in chart["times"]]
    product, count = 1.0, 0
    for treated, without, after in zip(chart["treated"], chart["counterfactual"], late, strict=True):
        assert (without is None) is not after
        if after:
            product, count = product * treated / without, count + 1
    assert product ** (1 / count) == pytest.approx(1 + paris.finding["effect"]["value"] / 100, rel=1e-9)


def test_the_change_stands_at_its_local_day(paris: Case, san_francisco: Case) -> None:
    """The curfew's first evening and the first Sunday of charged meters, not the first day of a window."""
    assert paris.finding["chart"]["change_at"] == "2021-01-16"
    assert san_francisco.finding["chart"]["change_at"] == "2013-01-06"


def test_the_band_holds_the_counterfactual(san_francisco: Case) -> None:
    """Low, counterfactual and high ascend on every day after the change."""
    chart = san_francisco.finding["chart"]
    bands = zip(chart["counterfactual_low"], chart["counterfactual"], chart["counterfactual_high"], strict=True)
    after = [band for band in bands if band[1] is not None]
    assert len(after) == san_francisco.finding["n"]["after"]
    assert all(low < middle < high for low, middle, high in after)


def test_days_of_the_chart_are_those_declared(paris: Case) -> None:
    """Working days of the windows without the Christmas holidays: 4 + 10 before, 15 after."""
    days = [date.fromisoformat(day) for day in paris.finding["chart"]["times"]]
    assert all(day.isoweekday() <= 5 for day in days)
    assert not [day for day in days if date(2020, 12, 19) <= day <= date(2021, 1, 3)]
    assert (len(days), days[0], days[-1]) == (29, date(2020, 12, 15), date(2021, 2, 5))


def test_placebos_stay_before_the_change(paris: Case, san_francisco: Case) -> None:
    """At least twenty in both cities, none at or after the change."""
    for case in (paris, san_francisco):
        dates = [one["at"] for one in case.finding["placebos"]]
        assert len(dates) >= 20
        assert max(dates) < case.declaration.change.start.date().isoformat()


def test_a_study_of_the_past_says_so(paris: Case, san_francisco: Case) -> None:
    """Both were declared on data already there."""
    assert paris.finding["retrospective"]
    assert san_francisco.finding["retrospective"]


@pytest.mark.parametrize("name", ["verdict", "sentence", "computed_at", "data"])
def test_any_change_breaks_the_signature(paris: Case, name: str) -> None:
    """The signature is over everything but itself."""
    assert is_signed(paris.finding)
    altered = copy.deepcopy(paris.finding)
    altered[name] = "worked"
    assert not is_signed(altered)


def test_a_drift_and_two_windows_wear_no_tick(paris: Case) -> None:
    """Evenings rose before the curfew and fell with it, and 50 placebo dates hold two separate windows."""
    found = {check["name"]: (check["outcome"], check["reason"]) for check in paris.finding["checks"]}
    assert found["pre_trend"] == ("not_applicable", "opposite_drift")
    assert found["placebo_dates"] == ("not_applicable", "too_few")
    assert paris.finding["verdict"] == "fell"
    assert "17 and 30 October" in paris.finding["declaration"]["declaration"]["placebo"]["note"]["en"]
