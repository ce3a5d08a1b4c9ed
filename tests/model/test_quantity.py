"""The table of quantities: its units, bounds and words."""

from __future__ import annotations

import csv
import math
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.quantity import Quantity, Sector, Statistic, get_quantity, list_quantities

UCUM = {
    "MW",
    "h",
    "min",
    "ug/m3",
    "1",
    "%",
    "Cel",
    "m",
    "km",
    "L/s",
    "kW.h",
    "MW.h",
    "g/(kW.h)",
    "kg/(kW.h)",
    "EUR/(MW.h)",
    "m/s",
    "m3",
    "m3/h",
    "d",
    "s",
    "mm",
}
"""Units in the case-sensitive form of https://ucum.org/ucum, by hand; `{word}` is an annotated 1 (section 6).

UCUM has no money: `EUR` is ISO 4217's."""

ANNOTATION = re.compile(r"\{[!-z|~]+\}")
DURATION = re.compile(r"(PT\d+[HM]|P\d+[DWMY])?")
QUANTITIES = list_quantities()
NAMES = [quantity.name for quantity in QUANTITIES]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=NAMES)
def test_units_are_ucum(quantity: Quantity) -> None:
    """Each unit is an annotation of things counted or one of the hand-checked UCUM codes."""
    assert ANNOTATION.fullmatch(quantity.unit) or quantity.unit in UCUM


@pytest.mark.parametrize("quantity", QUANTITIES, ids=NAMES)
def test_rows_are_whole(quantity: Quantity) -> None:
    """Names are snake case, intervals ISO 8601, titles differ in language, bounds are finite and have a source."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", quantity.name)
    assert DURATION.fullmatch(quantity.interval)
    assert quantity.title_en != quantity.title_fr
    assert math.isfinite(quantity.lower)
    assert math.isfinite(quantity.upper)
    assert "bound" in quantity.source or "25 h x 60" in quantity.source


def test_counts_count_things() -> None:
    """Counts and states of things are annotated units and never negative."""
    for quantity in QUANTITIES:
        counted = quantity.statistic is Statistic.COUNT or quantity.kind == "stock"
        assert counted == bool(ANNOTATION.fullmatch(quantity.unit))
        assert quantity.lower == 0 or not counted


def test_a_signed_quantity_says_its_direction() -> None:
    """Where values may be negative the table says what a positive one means."""
    assert [quantity.name for quantity in QUANTITIES if quantity.lower < 0 and not quantity.direction] == []
    assert get_quantity("electricity_net_import").direction == "into the area positive"


def test_names_stand_once() -> None:
    """No name and no title is given to two quantities."""
    assert len(set(NAMES)) == len(NAMES)
    for column in ("title_en", "title_fr", "meaning"):
        assert len({getattr(quantity, column) for quantity in QUANTITIES}) == len(NAMES)


def test_means_and_maxima_are_two_quantities() -> None:
    """A daily mean and a daily maximum of one pollutant have their own names and statistics."""
    mean, top = get_quantity("no2_daily_mean"), get_quantity("no2_daily_max")
    assert (mean.statistic, top.statistic) == (Statistic.MEAN, Statistic.MAX)
    assert (mean.interval, top.interval) == ("P1D", "P1D")


def test_the_file_has_the_classes_columns() -> None:
    """quantities.csv has one column for each field and each row one value for each column."""
    text = files("passerelle.model").joinpath("quantities.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    assert header == list(Quantity.__dataclass_fields__)
    assert {len(row) for row in rows} == {len(header)}


@given(st.sampled_from(QUANTITIES), st.floats())
def test_bounds_are_closed_and_finite(quantity: Quantity, value: float) -> None:
    """A value is admitted exactly when it lies within the bounds, ends included; NaN and infinities never."""
    assert quantity.admits(value) == (quantity.lower <= value <= quantity.upper)
    assert quantity.admits(quantity.lower)
    assert quantity.admits(quantity.upper)
    assert not quantity.admits(math.nextafter(quantity.upper, math.inf))
    assert not quantity.admits(math.nan)


@pytest.mark.parametrize(
    ("quantity", "value", "admitted"),
    [
        ("electricity_demand", 102_098, True),  # France's record, RTE
        ("electricity_demand", -2_147_483_648, False),  # the absurd minima of raw EIA-930
        ("electricity_generation", -83, True),  # a thermal plant's own use in the recorded file
        ("bicycle_count", 1_275, True),  # the recorded maximum
        ("bicycle_count", -1, False),
        ("report_resolution_median", -0.5, False),
        ("carshare_snapshots", 1_500, True),  # 25 hours of minutes
        ("carshare_snapshots", 1_501, False),
        ("no2_daily_mean", 113.0, True),
    ],
)
def test_bounds_make_sense(quantity: str, value: float, admitted: bool) -> None:
    """Real extremes pass, absurd values don't."""
    assert get_quantity(quantity).admits(value) == admitted


def test_an_unknown_quantity_lists_the_known() -> None:
    """Asking for a name that the table lacks says which it has."""
    with pytest.raises(UnknownNameError, match=r"'no2'.*bicycle_count") as caught:
        get_quantity("no2")
    assert caught.value.where == "quantity"


@pytest.mark.parametrize("wrong", [{"lower": 2.0}, {"name": ""}, {"unit": ""}, {"title_fr": ""}, {"source": ""}])
def test_an_invalid_row_cannot_be_built(wrong: dict[str, object]) -> None:
    """Bounds in the wrong order and empty words are refused and the column named."""
    row = {
        "name": "x",
        "sector": Sector.AIR,
        "unit": "1",
        "statistic": Statistic.MEAN,
        "interval": "",
        "kind": "k",
        "lower": 0.0,
        "upper": 1.0,
        "direction": "",
        "title_en": "X",
        "title_fr": "Le x",
        "meaning": "m",
        "source": "s",
    }
    assert Quantity(**row).name == "x"  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError) as caught:
        Quantity(**{**row, **wrong})  # type: ignore[arg-type]
    assert caught.value.where == next(iter(wrong))
