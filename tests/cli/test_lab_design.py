"""`passerelle lab power`, `nulls` and `assign` settle what can be known before a pilot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from passerelle.cli import main

COLUMNS = ("--unit", "street", "--time", "week", "--outcome", "trips")
LOTS = ("--assignment", "clusters", "--times-after", "6", "--studies", "30")


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """Sixteen streets in eighty weeks, around 100 trips, each street as unsure as the next."""
    random = np.random.default_rng(2)
    rows = [
        f"s{street:02},{week},{100 + random.normal(scale=5):.3f},{48.8 + street / 100},2.35"
        for street in range(16)
        for week in range(80)
    ]
    path = tmp_path / "streets.csv"
    path.write_text("street,week,trips,lat,lon\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def run(command: str, file: Path, *words: str) -> Any:
    return CliRunner().invoke(main, ["lab", command, str(file), *COLUMNS, *words])


def test_power_by_effect(streets: Path) -> None:
    """Eight of sixteen streets: an effect of a fifth is always shown, one of a thousandth hardly ever."""
    words = (*LOTS, "--treat", "8", "--effect", "20%", "--effect", "0.1", "--json")
    result = run("power", streets, *words)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["can_show"]
    assert answer["effects"][0]["power"] == 1
    assert answer["effects"][1]["power"] < 0.3
    assert 0 < answer["mde_share"] < 0.1
    assert answer["alternatives"] == []


def test_a_test_that_can_show_nothing(streets: Path) -> None:
    """One street of sixteen reaches no p under 1/16: it says so, and that more streets would do."""
    result = run("power", streets, *LOTS, "--treat", "1", "--effect", "20%", "--json")
    answer = json.loads(result.stdout)
    assert (answer["can_show"], answer["mde"]) == (False, None)
    assert "cannot show anything" in answer["sentence"]["en"]
    assert {one["treated"] for one in answer["alternatives"]} == {2, 4}
    page = run("power", streets, *LOTS, "--treat", "1", "--effect", "20%", "--lang", "fr").stdout
    assert "ne peut rien montrer" in page


def test_nulls_on_a_history(streets: Path) -> None:
    """All shares are told, with bounds, and weeks that are excluded are in no window."""
    words = (*LOTS, "--treat", "8", "--exclude", "0..40", "--exclude", "70..90", "--json")
    result = run("nulls", streets, *words)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["holds"]
    assert answer["studies"] == 30
    assert answer["false_alarm_bounds"][0] <= answer["false_alarms"] <= answer["false_alarm_bounds"][1]
    refused = run("nulls", streets, *LOTS, "--treat", "8", "--exclude", "5..79")
    assert (refused.exit_code, "every window" in refused.stderr) == (1, True)


def test_lots_are_drawn_again_by_anybody(streets: Path) -> None:
    """Without a seed one is made; given back with its hash it draws the same, and another seed is refused."""
    first = json.loads(run("assign", streets, "--treat", "1", "--strata-size", "2", "--json").stdout)
    words = ("--treat", "1", "--strata-size", "2", "--commitment", first["commitment"], "--json")
    assert json.loads(run("assign", streets, *words, "--seed", first["seed"]).stdout) == first
    assert len(first["drawn"]) == 8
    assert run("assign", streets, *words, "--seed", "other").exit_code == 1


def test_streets_near_each_other_are_drawn_together(streets: Path) -> None:
    """A street every 1,112 m: all are one chain within 1,200 m, and none within 1,000."""
    near = ("--latitude", "lat", "--longitude", "lon", "--treat", "4", "--seed", "x", "--json")
    lots = json.loads(run("assign", streets, *near, "--apart", "1000").stdout)["lots"]
    assert (len(lots), sum(one["drawn"] for one in lots)) == (16, 4)
    refused = run("assign", streets, *near, "--apart", "1200")
    assert "4 of the 1 in a stratum" in refused.stderr


def test_periods_of_a_switchback(streets: Path) -> None:
    """One of each two of six periods."""
    words = ("--periods", "6", "--strata-size", "2", "--treat", "1", "--seed", "x", "--json")
    lots = json.loads(run("assign", streets, *words).stdout)["lots"]
    assert [sum(one["drawn"] for one in lots if one["stratum"] == pair) for pair in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--treat, or which, --treated"),
        (("--treated", "s99"), "no unit is called s99"),
        (("--treat", "4", "--effect", "much"), "neither a number nor a share"),
        (("--treat", "4", "--times-before", "90"), "does not fit"),
        (("--treat", "4", "--exclude", "3"), "FIRST..LAST"),
    ],
)
def test_errors_are_one_line(streets: Path, words: tuple[str, ...], told: str) -> None:
    """What can't be answered is exit code 1 and a line that says what is allowed."""
    result = run("power", streets, *LOTS, *words, "--json")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert told in result.stderr
