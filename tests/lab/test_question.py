"""A question can't be asked that has no answer."""

from __future__ import annotations

import pytest

from passerelle.lab.question import Question
from passerelle.model.errors import InvalidValueError


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("level", 1.0, "between 0.5 and 1"),
        ("level", 0.5, "between 0.5 and 1"),
        ("anticipation", -1, "0 or more"),
        ("smallest", (1.0, 2.0), "zero must lie between"),
        ("smallest", (-float("inf"), float("inf")), "both be finite"),
        ("seasons", (7.0, 0.0), "7.0, 0.0 times long; each must be 2 or more"),
        ("seasons", (float("nan"),), "2 or more"),
        ("seed", -1, "0 or more"),
    ],
)
def test_refused(field: str, value: object, told: str) -> None:
    """The error says what came and what was allowed."""
    with pytest.raises(InvalidValueError, match=told):
        Question(**{field: value})  # type: ignore[arg-type]
