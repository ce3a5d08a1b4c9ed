"""Numbers are written as each language writes them, and every text exists in both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from passerelle.studies.told.words import format_number, format_percent, texts


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (-31.07, "−31%", "−31\u00a0%"),
        (2.849, "+2.8%", "+2,8\u00a0%"),
        (9.96, "+10%", "+10\u00a0%"),
        (0.04, "0.0%", "0,0\u00a0%"),
        (-0.04, "0.0%", "0,0\u00a0%"),
        (1234.0, "+1,234%", "+1\u00a0234\u00a0%"),
    ],
)
def test_percentages(value: float, english: str, french: str) -> None:
    """A comma and no-break spaces in French, a true minus in both, two figures."""
    assert (format_percent(value, "en"), format_percent(value, "fr")) == (english, french)


def test_no_minus_before_nothing() -> None:
    """-0.4 rounded is 0, not −0."""
    assert format_number(-0.4, "en") == "0"


def pairs(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for key, value in tree.items():
        if isinstance(value, dict) and {"en", "fr"} & value.keys():
            yield f"{path}.{key}", value
        elif isinstance(value, dict):
            yield from pairs(value, f"{path}.{key}")


def test_both_languages_say_the_same_numbers() -> None:
    """Each text of texts/ has the same placeholders in English and French."""
    for name, text in pairs(texts()):
        found = [sorted(set(re.findall(r"\{[a-z_:]+\}", str(text[language])))) for language in ("en", "fr")]
        assert found[0] == found[1], name
