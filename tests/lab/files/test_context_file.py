"""A context file says of a panel what its outcomes don't show, in its own names and times."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from passerelle.lab.analysis import analyse
from passerelle.lab.context import Context, Definition, Looks, Picked
from passerelle.lab.files.context_file import read_context
from passerelle.lab.files.panel_file import Columns, PanelFile, read_panel
from passerelle.lab.question import Question
from passerelle.model.errors import InvalidValueError, UnknownNameError

WHOLE = """
near = 500
other_p = [0.2, 0.03]
distances = { B = 120, C = 900 }
sensor = [{ unit = "B", at = "2021-02" }]
picked = { start = "2020-11", end = "2021-01" }
looks = { planned = [0.5, 1.0], taken = [0.5] }

[[other]]
name = "works"
units = ["A", "C"]
start = "2021-02"

[definitions]
treated = { quantity = "NO2", unit = "ug/m3", statistic = "mean", interval = "a day" }
comparison = { quantity = "NO2", unit = "ug/m3", statistic = "maximum", interval = "a day" }
"""


@pytest.fixture
def city(tmp_path: Path) -> PanelFile:
    months = ["2020-11", "2020-12", "2021-01", "2021-02"]
    rows = [f"{unit},{month},{at}" for unit in "ABC" for at, month in enumerate(months)]
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(["unit,time,outcome", *rows]))
    return read_panel(path, Columns("unit", "time", "outcome"), treated=("A",), start="2021-01")


def read(tmp_path: Path, city: PanelFile, text: str) -> Context:
    path = tmp_path / "context.toml"
    path.write_text(text)
    return read_context(path, city)


def test_everything_that_can_be_said(tmp_path: Path, city: PanelFile) -> None:
    """Months are the panel's times 0 to 3, units its rows A, B, C."""
    found = read(tmp_path, city, WHOLE)
    assert found.distances is not None
    assert found.distances.tolist() == [0, 120, 900]
    assert (found.near, found.other_p) == (500, (0.2, 0.03))
    assert found.others is not None
    assert found.sensors is not None
    (works,), (sensor,) = found.others, found.sensors
    assert (works.name, works.units.tolist(), works.start, works.end) == ("works", [True, False, True], 3, math.inf)
    assert (sensor.unit, sensor.at) == (1, 3)
    assert found.picked == Picked(0, 2)
    assert found.looks == Looks((0.5, 1.0), (0.5,))
    mean = Definition("NO2", "ug/m3", "mean", "a day")
    assert found.definitions == (mean, Definition("NO2", "ug/m3", "maximum", "a day"))


def test_silence_is_not_none(tmp_path: Path, city: PanelFile) -> None:
    """What isn't said isn't known; an empty list says that there are none."""
    assert read(tmp_path, city, "").others is None
    assert read(tmp_path, city, "other = []\nsensor = []").others == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("other = [", "context.toml"),
        ("others = []", "unknown field `others`"),
        ('other = [{ name = "x", units = ["A"], start = "May" }]', "not written like the times"),
        ("distances = { B = 1 }", "1 units without the change have no distance: C"),
        ("looks = { planned = [1.0, 0.5], taken = [0.5] }", "ascend"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, city: PanelFile, text: str, told: str) -> None:
    """The error says which key or time, and what was allowed."""
    with pytest.raises(InvalidValueError, match=told):
        read(tmp_path, city, text)


def test_an_unknown_unit_is_named(tmp_path: Path, city: PanelFile) -> None:
    """A unit that the panel doesn't have, with those it has."""
    with pytest.raises(UnknownNameError, match="'D'"):
        read(tmp_path, city, 'sensor = [{ unit = "D", at = "2021-01" }]')


def test_it_reaches_the_checks(tmp_path: Path, city: PanelFile) -> None:
    """Maxima against means, and works on every treated unit, block."""
    blocked = analyse(city.panel, Question(method="did"), read(tmp_path, city, WHOLE)).judgement.blocked_by
    assert {"definitions", "overlap"} <= set(blocked)
