"""What the lab says before a pilot: power and placebo studies, in numbers and sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from passerelle.lab.panel import Flags, Panel
from passerelle.lab.question import Question
from passerelle.lab.trials.nulls import Nulls
from passerelle.lab.trials.placebos import Shape
from passerelle.lab.trials.power import ENOUGH, Power, enlarge, find_power
from passerelle.model.errors import InvalidValueError, StudyError
from passerelle.studies.told.words import LANGUAGES, explain, texts

Answer = dict[str, Any]

_SHARES = ("5%", "10%", "20%", "30%", "50%")
_NO_UNIT = dict.fromkeys(LANGUAGES, "")


def write_power(
    history: Panel,
    question: Question,
    shape: Shape,
    effects: Sequence[str],
    studies: int,
    excluded: Flags,
    progress: Callable[[int, int], None],
) -> Answer:
    """Power by effect, the smallest effect shown, and where that doesn't do, which larger studies would.

    `effects` are numbers in the outcome's unit, or shares of its mean like `20%`.
    """
    mean = float(np.nanmean(history.outcomes))
    sizes = np.array([_read_effect(text, mean) for text in (effects or _SHARES)])
    options: Answer = {"excluded": excluded, "progress": progress}
    found = find_power(history, question, shape, sizes, studies=studies, **options)
    wanted = float(sizes[0]) if effects else None
    enough = math.isfinite(found.mde) if wanted is None else bool(found.shares[0] >= ENOUGH)
    code = "shows" if enough else "nothing" if math.isinf(found.mde) else "misses"
    alternatives = []
    if not enough:
        for larger in enlarge(shape, history):
            try:
                other = find_power(
                    history, question, larger, sizes[:1], studies=max(studies // 4, 50), excluded=excluded
                )
            except StudyError:
                continue
            if other.shares[0] >= ENOUGH or (wanted is None and math.isfinite(other.mde)):
                alternatives.append({**_shape(other), "sentence": _tell("instead", other, wanted)})
    return {
        **_shape(found),
        "method": found.method,
        "mean": mean,
        "effects": [
            {"effect": float(size), "share_of_mean": float(size) / mean if mean else None, "power": float(share)}
            for size, share in zip(sizes, found.shares, strict=True)
        ],
        "can_show": enough,
        "false_alarms": found.false_alarms,
        "studies": found.studies,
        "apart": found.apart,
        "failed": found.failed,
        "alternatives": alternatives,
        "sentence": _tell(code, found, wanted),
    }


def write_nulls(found: Nulls, question: Question) -> Answer:
    """Every share, and whether the method keeps its promise on this history."""
    numbers = {
        **asdict(found),
        "low": found.false_alarm_bounds[0],
        "high": found.false_alarm_bounds[1],
        "covered_low": found.coverage_bounds[0],
        "covered_high": found.coverage_bounds[1],
        "level": question.level,
    }
    code = "holds" if found.holds(question.level) else "fails"
    told = explain(texts()["design"]["nulls"][code], numbers, _NO_UNIT)
    finite = {name: None if value == math.inf else value for name, value in asdict(found).items()}
    return {**finite, "holds": found.holds(question.level), "sentence": told}


def _read_effect(text: str, mean: float) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError as error:
        raise InvalidValueError(f"{text!r} is neither a number nor a share like 20%", where="--effect") from error
    if not value or not math.isfinite(value):
        raise InvalidValueError(f"an effect of {text} can't be tried", where="--effect")
    return value / 100 * mean if text.endswith("%") else value


def _shape(found: Power) -> Answer:
    shape = found.shape
    return {
        "treated": shape.count,
        "times_before": shape.before,
        "times_after": shape.after,
        "mde": found.mde if math.isfinite(found.mde) else None,
        "mde_share": found.mde / abs(found.mean) if math.isfinite(found.mde) and found.mean else None,
    }


def _tell(code: str, found: Power, wanted: float | None) -> dict[str, str]:
    numbers = {
        "treated": found.shape.count,
        "before": found.shape.before,
        "after": found.shape.after,
        "mde": found.mde,
        "share": found.mde / abs(found.mean) if found.mean else math.nan,
        "wanted": math.nan if wanted is None else wanted,
        "missed": 1 - float(found.shares[0]),
        "power": ENOUGH,
    }
    return explain(texts()["design"]["power"][code], numbers, _NO_UNIT)
