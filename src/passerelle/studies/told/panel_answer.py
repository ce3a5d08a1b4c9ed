"""What the lab says of a panel that isn't a city's: every number and sentence, as JSON can hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from passerelle.lab.analysis import Analysis
from passerelle.lab.files.panel_file import PanelFile
from passerelle.lab.result import Check, Part
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Verdict
from passerelle.studies.told.words import LANGUAGES, explain, explain_check, texts

Answer = dict[str, Any]

_NO_UNIT = dict.fromkeys(LANGUAGES, "")
_NAMED = 3
"""So many units are named, more are counted."""

_AND = {"en": "and", "fr": "et"}
_UNITS = {"en": "units", "fr": "unités"}


def write_answer(analysis: Analysis, file: PanelFile, outcome: str) -> Answer:
    """The answer on `outcome`, the file's word for what was measured; infinite and absent numbers are null."""
    result = analysis.result
    return {
        "method": result.method,
        "effect": result.effect,
        "se": _finite(result.se),
        "interval": [_finite(end) for end in result.interval],
        "level": result.level,
        "p_value": result.p_value,
        "smallest_p": result.smallest_p,
        "n_units": result.n_units,
        "n_treated": result.n_treated,
        "n_times": result.n_times,
        "verdict": analysis.judgement.verdict.value,
        "blocked_by": list(analysis.judgement.blocked_by),
        "reasons": [{"code": code, "text": _reason(code, analysis)} for code in analysis.judgement.blocked_by],
        "sentence": _sentence(analysis, outcome),
        "comparison": _comparison(analysis, file),
        "choice": {"code": analysis.choice.reason, "text": dict(texts()["choice"][analysis.choice.reason])},
        "inference": {"code": result.inference, "text": dict(texts()["inference"][result.inference])},
        "assumptions": [{"code": name, "text": dict(texts()["assumption"][name])} for name in result.assumptions],
        "checks": [_check(check) for check in result.checks],
        "weights": dict(result.weights),
        "events": [
            {
                "since": one.since,
                "effect": _finite(one.effect),
                "se": _finite(one.se),
                "interval": [_finite(end) for end in one.interval],
                "band": None if one.band is None else [_finite(end) for end in one.band],
            }
            for one in result.events
        ],
        "parts": [_part(part, file) for part in result.parts],
        "path": _path(analysis, file),
        "absent": file.absent,
        "notes": _notes(file),
        "question": {
            "wanted": analysis.question.wanted.value,
            "smallest_effect": None if analysis.question.smallest is None else analysis.question.smallest[1],
            "assignment": analysis.question.assignment.value,
            "anticipation": analysis.question.anticipation,
            "seasons": list(analysis.question.seasons),
            "seed": analysis.question.seed,
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sentence(analysis: Analysis, outcome: str) -> dict[str, str]:
    result, verdict, smallest = analysis.result, analysis.judgement.verdict, analysis.question.smallest
    low, high = result.interval
    numbers: dict[str, Any] = {
        "effect": result.effect,
        "size": abs(result.effect),
        "low": low,
        "high": high,
        "level": result.level,
        "smallest": smallest[1] if smallest else math.nan,
        "outcome": outcome,
    }
    words = texts()["answer"]
    moved = Verdict.ROSE if result.effect > 0 else Verdict.FELL
    if verdict not in (Verdict.WORKED, Verdict.HARMED):
        return explain(words[verdict.value], numbers, _NO_UNIT)
    clause = explain(words[moved.value], numbers, _NO_UNIT)
    return {language: words[verdict.value][language].format(clause=clause[language]) for language in LANGUAGES}


def _reason(code: str, analysis: Analysis) -> dict[str, str]:
    result = analysis.result
    if code == INTERVAL_TOO_WIDE:
        bounded = all(map(math.isfinite, result.interval))
        numbers = {"level": result.level, "smallest_p": result.smallest_p}
        return explain(texts()["answer"]["too_wide" if bounded else "unbounded"], numbers, _NO_UNIT)
    (check,) = (one for one in result.checks if one.name == code)
    return _explain(check)


def _explain(check: Check) -> dict[str, str]:
    return explain_check(check, _NO_UNIT, {})


def _check(check: Check) -> Answer:
    return {
        "name": check.name,
        "title": dict(texts()["check"][check.name]["title"]),
        "outcome": check.outcome.value,
        "reason": check.reason,
        "text": _explain(check),
        "numbers": {name: _finite(value) for name, value in check.numbers.items()},
        "names": dict(check.names),
    }


def _part(part: Part, file: PanelFile) -> Answer:
    return {
        "kind": part.kind,
        "at": [file.clock.label(time) for time in part.at],
        "effect": part.effect,
        "se": _finite(part.se),
        "interval": [_finite(end) for end in part.interval],
    }


def _comparison(analysis: Analysis, file: PanelFile) -> dict[str, str]:
    panel = file.panel
    key = analysis.result.method
    if key == "cs" and panel.treated.all():
        key = "cs_not_yet"
    names = {
        "treated": [unit for unit, had in zip(panel.units, panel.treated, strict=True) if had],
        "others": [unit for unit, had in zip(panel.units, panel.treated, strict=True) if not had],
    }
    start = file.clock.label(panel.starts[0])
    template: Mapping[str, str] = texts()["comparison"][key]
    return {
        language: _capital(
            template[language].format(start=start, **{name: _name(units, language) for name, units in names.items()})
        )
        for language in LANGUAGES
    }


def _name(units: Sequence[str], language: str) -> str:
    if len(units) > _NAMED or not units:
        return f"{len(units)} {_UNITS[language]}"
    return f" {_AND[language]} ".join(filter(None, (", ".join(units[:-1]), units[-1])))


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _path(analysis: Analysis, file: PanelFile) -> list[Answer] | None:
    path = analysis.result.path
    if path is None:
        return None
    columns = (path.times, path.observed, path.expected, path.low, path.high)
    return [
        {
            "time": file.clock.label(time),
            "observed": _finite(float(observed)),
            "expected": _finite(float(expected)),
            "low": _finite(float(low)),
            "high": _finite(float(high)),
        }
        for time, observed, expected, low, high in zip(*columns, strict=True)
    ]


def _notes(file: PanelFile) -> list[dict[str, str]]:
    if not file.absent:
        return []
    return [explain(texts()["answer"]["absent"], {"count": file.absent, "all": file.panel.outcomes.size})]
