"""`passerelle lab` judges a change on anybody's panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from passerelle.cli import main

PANEL = ("data/prop99/california_prop99_long.csv", "--unit", "State", "--time", "Year", "--outcome", "PacksPerCapita")

NEEDED = (
    *("method", "effect", "se", "interval", "level", "p_value", "n_units", "n_times"),
    *("verdict", "blocked_by", "reasons", "comparison"),
)


def run(checkout: Path, *words: str) -> Any:
    """The outcome of `passerelle lab estimate` on the cigarette sales of 39 states."""
    return CliRunner().invoke(main, ["lab", "estimate", str(checkout / PANEL[0]), *PANEL[1:], *words])


def test_json_has_all_that_was_asked(checkout: Path) -> None:
    """A verdict that is blocked is an answer: exit code 0, with what blocked it in both languages."""
    result = run(checkout, "--treated", "Nevada,Utah", "--from", "1989", "--method", "did", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert set(NEEDED) <= answer.keys()
    assert (answer["method"], answer["n_units"], answer["n_treated"], answer["n_times"]) == ("did", 39, 2, 31)
    assert answer["verdict"] == "cannot_tell_yet"
    assert [one["code"] for one in answer["reasons"]] == answer["blocked_by"] != []
    assert all(set(one["text"]) == {"en", "fr"} for one in answer["reasons"])
    assert "37 units" in answer["comparison"]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "compared with how 37 units"), ("fr", "celle, aux mêmes moments, de 37")]
)
def test_a_page_for_people(checkout: Path, language: str, told: str) -> None:
    """Without --json the answer is a page in the language asked for."""
    result = run(checkout, "--treated", "Nevada,Utah", "--from", "1989", "--method", "did", "--lang", language)
    assert result.exit_code == 0, result.output
    assert told in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--treated", "Californa", "--from", "1989"), "California"),
        (("--treated", "California", "--from", "2089"), "'1970' to '2000'"),
        (("--treated", "California"), "--from"),
        (("--treated", "California", "--from", "1989", "--smallest-effect", "0"), "above 0"),
    ],
)
def test_errors_are_one_line(checkout: Path, words: tuple[str, ...], told: str) -> None:
    """What can't be answered is exit code 1 and a line that says what is allowed."""
    result = run(checkout, *words, "--json")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert told in result.stderr


def test_a_context_file_reaches_the_checks(checkout: Path, tmp_path: Path) -> None:
    """Another change on every treated state: cannot tell, blocked by overlap, and its name stands in the reason."""
    context = tmp_path / "context.toml"
    context.write_text('other = [{ name = "a federal tax", units = ["Nevada", "Utah"], start = "1990" }]')
    words = ("--treated", "Nevada,Utah", "--from", "1989", "--method", "did", "--json", "--context", str(context))
    result = run(checkout, *words)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert "overlap" in answer["blocked_by"]
    assert any("a federal tax" in one["text"]["en"] for one in answer["reasons"])
