"""Numbers and sentences of a finding in English and French."""

from __future__ import annotations

import math
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "fr")
_MINUS, _NO_BREAK = "\u2212", "\u00a0"


@cache
def texts() -> dict[str, Any]:
    """The sentences of `texts.toml`."""
    return tomllib.loads(files("passerelle.studies").joinpath("texts.toml").read_text(encoding="utf-8"))


def format_number(value: float, language: str, decimals: int = 0) -> str:
    """`value` with a true minus sign, and in French a decimal comma and no-break spaces.

    >>> format_number(-1234.5, "fr", 1)
    '−1\\xa0234,5'
    """
    text = f"{abs(value):,.{decimals}f}"
    if language == "fr":
        text = text.replace(",", _NO_BREAK).replace(".", ",")
    return f"{_MINUS if value < 0 and float(f'{value:.{decimals}f}') else ''}{text}"


def format_percent(percent: float, language: str, *, signed: bool = True) -> str:
    """A percentage with two figures that count: one decimal below ten, none from ten on.

    >>> format_percent(-30.96, "en"), format_percent(2.84, "fr")
    ('−31%', '+2,8\\xa0%')
    """
    decimals = 0 if abs(percent) >= 9.95 else 1
    sign = "+" if signed and float(f"{percent:.{decimals}f}") > 0 else ""
    number = format_number(percent if signed else abs(percent), language, decimals)
    return f"{sign}{number}{_NO_BREAK if language == 'fr' else ''}%"


def to_percent(logarithm: float) -> float:
    """The change in percent that a difference of logarithms is."""
    return 100 * math.expm1(logarithm)


def explain(template: Mapping[str, str], numbers: Mapping[str, float]) -> dict[str, str]:
    """A template of `texts.toml` with its numbers, in each language."""
    return {language: _Writer(language).format(template[language], **numbers) for language in LANGUAGES}


class _Writer(string.Formatter):
    """`{name:form}` with the forms that `texts.toml` names."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "percent":
            return format_percent(to_percent(value), self._language)
        if format_spec == "share":
            return format_percent(100 * value, self._language, signed=False)
        if format_spec == "decimal":
            return format_number(value, self._language, 2)
        if format_spec == "count":
            return format_number(value, self._language)
        return str(super().format_field(value, format_spec))
