"""A result can't contradict itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from passerelle.lab.result import Check, Outcome, Result
from passerelle.model.errors import InvalidValueError

RESULT = Result(
    effect=1.0,
    se=0.5,
    interval=(0.0, 2.0),
    level=0.95,
    p_value=0.05,
    n_units=2,
    n_times=30,
    method="did_blocks",
    assumptions=(),
    inference="blocks",
)


def test_an_effect_lies_in_its_interval() -> None:
    """An interval that leaves its own estimate out is a mistake of the method."""
    with pytest.raises(InvalidValueError, match="outside its interval"):
        replace(RESULT, effect=3.0)


def test_a_level_is_a_probability() -> None:
    """95 for 0.95 is refused."""
    with pytest.raises(InvalidValueError, match="level is 95"):
        replace(RESULT, level=95)


def test_failed_names_only_checks_that_refuted() -> None:
    """A check that doesn't apply is no refutation."""
    checks = [Check(outcome.value, outcome, "") for outcome in Outcome]
    assert RESULT.with_checks(*checks).failed == ("failed",)
