"""The one plain sentence of a verdict, in English and French; it names what the place was compared with."""

from __future__ import annotations

from passerelle.lab.result import Result
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Judgement, Verdict
from passerelle.studies.parts import PartsStudy
from passerelle.studies.words import LANGUAGES, explain, format_number, format_percent, texts, to_percent


def write_sentence(judgement: Judgement, result: Result, study: PartsStudy) -> dict[str, str]:
    """The verdict in a sentence of each language."""
    return {language: _write(judgement.verdict, result, study, language) for language in LANGUAGES}


def write_reasons(judgement: Judgement, result: Result, study: PartsStudy) -> list[dict[str, object]]:
    """Why there is no verdict yet and what would settle it: `code` and `text` for each of `blocked_by`."""
    return [
        {"code": code, "text": {language: _reason(code, judgement, result, study, language) for language in LANGUAGES}}
        for code in judgement.blocked_by
    ]


def _write(verdict: Verdict, result: Result, study: PartsStudy, language: str) -> str:
    effect, low, high = (to_percent(value) for value in (result.effect, *result.interval))
    templates = texts()["sentence"]
    after = study.outcome.after.both[language]
    words = {
        "subject": study.outcome.subject.both[language],
        "after": after,
        "then": _lower(after),
        "comparison": study.comparison.phrase.both[language],
        "effect": format_percent(effect, language),
        "size": format_percent(effect, language, signed=False),
        "low": format_percent(low, language),
        "high": format_percent(high, language),
        "level": format_percent(100 * result.level, language, signed=False),
        "smallest": format_percent(study.smallest_effect, language, signed=False),
    }
    if verdict in (Verdict.WORKED, Verdict.HARMED):
        moved = str(templates["rose" if effect > 0 else "fell"][language].format(**words))
        return str(templates[verdict.value][language].format(clause=_lower(moved)))
    return str(templates[verdict.value][language].format(**words))


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _reason(code: str, judgement: Judgement, result: Result, study: PartsStudy, language: str) -> str:
    if code != INTERVAL_TOO_WIDE:
        (check,) = (one for one in result.checks if one.name == code)
        return explain(texts()["check"][code][check.reason], check.values)[language]
    needed = judgement.times_needed or 0
    return str(
        texts()["blocked"][code][language].format(
            needed=format_number(needed, language),
            unit=texts()["unit"][study.unit][language],
            count=format_number(result.n_times, language),
        )
    )
