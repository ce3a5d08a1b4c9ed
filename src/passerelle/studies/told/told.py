"""Parts of a finding that every design tells in the same way."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Result
from passerelle.studies.declared.declaration import Study
from passerelle.studies.told.words import Titles, explain_check, texts, to_percent

_PERCENT = {"en": "%", "fr": "%"}
_LIBRARIES = ("passerelle", "numpy", "polars", "scipy", "statsmodels")
Unit = Mapping[str, str] | None
"""The unit of effects; None where they are differences of logarithms, told in percent."""


def show(value: float, unit: Unit) -> float | None:
    """An effect as people are told it: percent, or in `unit`; None where it is infinite or not known."""
    shown = to_percent(value) if unit is None and math.isfinite(value) else value
    return shown if math.isfinite(shown) else None


def tell_declared(sealed: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """What a finding says of its declaration, which is `sealed`, and of the versions it was computed with."""
    return {
        "change": study.change,
        "study": study.id,
        "outcome": study.outcome.title.both,
        "smallest_effect": study.smallest_effect,
        "wanted": study.wanted.value,
        "retrospective": sealed["retrospective"],
        "comparison": study.comparison.why.both,
        "declaration": dict(sealed),
        "versions": tell_versions(),
    }


def tell_effect(result: Result, unit: Unit) -> dict[str, Any]:
    """The finding's `effect`."""
    return {
        "value": show(result.effect, unit),
        "low": show(result.interval[0], unit),
        "high": show(result.interval[1], unit),
        "level": result.level,
        "unit": dict(_PERCENT if unit is None else unit),
        "scale": "percent" if unit is None else "level",
    }


def tell_estimate(result: Result, unit: Unit) -> dict[str, Any]:
    """The finding's `estimate`: the result on the scale it was estimated on; null where infinite."""
    return {
        "scale": "log" if unit is None else "level",
        "effect": result.effect,
        "se": finite(result.se),
        "low": finite(result.interval[0]),
        "high": finite(result.interval[1]),
        "p_value": result.p_value,
    }


def tell_checks(checks: Sequence[Check], unit: Unit, titles: Titles | None = None) -> list[dict[str, Any]]:
    """The finding's `checks`, each in words with its numbers."""
    sentences = texts()["check"]
    return [
        {
            "name": check.name,
            "title": dict(sentences[check.name]["title"]),
            "outcome": check.outcome.value,
            "reason": check.reason,
            "detail": explain_check(check, unit, titles or {}),
            "numbers": {name: finite(value) for name, value in check.numbers.items()},
        }
        for check in checks
    ]


def tell_method(name: str) -> dict[str, Any]:
    """The finding's `method`: name, title and reference."""
    method = texts()["method"][name]
    return {"name": name, "title": {"en": method["en"], "fr": method["fr"]}, "reference": method["reference"]}


def tell_assumptions(names: Sequence[str]) -> list[dict[str, Any]]:
    """The finding's `assumptions`, in words."""
    return [{"name": name, "text": dict(texts()["assumption"][name])} for name in names]


def tell_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that decide digits."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


def finite(value: float) -> float | None:
    """`value`, None where it is infinite or not known."""
    return float(value) if math.isfinite(value) else None


def list_finite(values: Floats) -> list[float | None]:
    """The values as JSON can hold them."""
    return [finite(float(value)) for value in values]


def unlog(values: Floats, unit: Unit) -> Floats:
    """Numbers of a panel as they were before their logarithms were taken, where they were."""
    return np.asarray(np.exp(values) if unit is None else values)
