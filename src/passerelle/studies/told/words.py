"""Numbers and sentences of a finding in English and French."""

from __future__ import annotations

import math
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from passerelle.lab.result import Check, Name

LANGUAGES = ("en", "fr")
Words = Mapping[str, float | str | Mapping[str, str]]
"""What a template's names stand for; a word may come in each language's own form."""

Titles = Mapping[str, Mapping[str, str]]
"""How people call what has an id, in each language."""

_SMALLEST_P = 0.001
_MINUS, _NO_BREAK = "\u2212", "\u00a0"
_BETWEEN = {"en": "; ", "fr": " ; "}


@cache
def texts() -> dict[str, Any]:
    """The sentences of `texts/`: its files' tables together, `check` from a file for each check."""
    found: dict[str, Any] = {"check": {}}
    for file in sorted(files("passerelle.studies.told").joinpath("texts").iterdir(), key=lambda one: one.name):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        found["check"] |= document.pop("check", {})
        found |= document
    return found


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


def format_effect(value: float, language: str, unit: Mapping[str, str] | None) -> str:
    """A difference of logarithms as a percentage; where `unit` is given, a difference in that unit.

    >>> format_effect(-15.604, "en", {"en": "packs a head", "fr": "paquets par tête"})
    '−15.6 packs a head'
    """
    if not math.isfinite(value):
        return "−∞" if value < 0 else "∞"
    if unit is None:
        return format_percent(to_percent(value), language)
    decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    number = format_number(value, language, min(decimals, 6) if abs(value) < 100 else 0)
    return f"{'+' if value > 0 else ''}{number}{_NO_BREAK if language == 'fr' else ' '}{unit[language]}".rstrip()


def explain(template: Mapping[str, str], numbers: Words, unit: Mapping[str, str] | None = None) -> dict[str, str]:
    """A template of `texts/` with its numbers and names, in each language; without `unit` effects are logarithms."""
    told = {}
    for language in LANGUAGES:
        words = {name: one[language] if isinstance(one, Mapping) else one for name, one in numbers.items()}
        told[language] = _Writer(language, unit).format(template[language], **words)
    return told


def explain_check(check: Check, unit: Mapping[str, str] | None, titles: Titles) -> dict[str, str]:
    """What became of a check, in each language; ids of changes, places and quantities that `titles` has are said as it
    says them.

    >>> from passerelle.lab.result import Outcome
    >>> check = Check("overlap", Outcome.FAILED, "cannot_separate", names={"changes": ("works", "toll")})
    >>> explain_check(check, None, {"works": {"en": "Works, 2nd part", "fr": "Travaux, 2e partie"}})["fr"][-38:]
    ' comparés : Travaux, 2e partie ; toll.'
    """
    template = texts()["check"][check.name][check.reason]
    told = {}
    for language in LANGUAGES:
        names = {name: _entitle(ids, titles, language) for name, ids in check.names.items()}
        told[language] = _Writer(language, unit).format(template[language], **{**check.numbers, **names})
    return told


def _entitle(ids: Name, titles: Titles, language: str) -> str:
    # Titles may hold commas of their own.
    several = (ids,) if isinstance(ids, str) else ids
    return _BETWEEN[language].join(titles[one][language] if one in titles else one for one in several)


class _Writer(string.Formatter):
    """`{name:form}`: effect (on the outcome's scale), size (an effect without its +), share, count, decimal."""

    def __init__(self, language: str, unit: Mapping[str, str] | None) -> None:
        self._language = language
        self._unit = unit

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "effect":
            return format_effect(value, self._language, self._unit)
        if format_spec == "size":
            return format_effect(value, self._language, self._unit).removeprefix("+")
        if format_spec == "share":
            return format_percent(100 * value, self._language, signed=False)
        if format_spec == "decimal":
            return format_number(value, self._language, 2) if math.isfinite(value) else "∞"
        if format_spec == "probability":
            return (
                f"< {format_number(0.001, self._language, 3)}"
                if value < 0.001
                else format_number(value, self._language, 3)
            )
        if format_spec == "count":
            return format_number(value, self._language)
        return str(super().format_field(value, format_spec))
