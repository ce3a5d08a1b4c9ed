"""The one plain sentence of a verdict, in English and French; it names what the place was compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from passerelle.lab.checks.definitions import NAME as DEFINITIONS
from passerelle.lab.result import Result
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Judgement, Verdict
from passerelle.model.quantity import get_quantity
from passerelle.studies.declared.declaration import Study
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.told.words import (
    LANGUAGES,
    Titles,
    explain,
    explain_check,
    format_effect,
    format_number,
    format_percent,
    texts,
    to_percent,
)

NOTHING_LEFT = "nothing_left"
"""What blocks a verdict where nothing was left to compare."""


def write_sentence(judgement: Judgement, result: Result, study: Study) -> dict[str, str]:
    """The verdict in a sentence of each language."""
    form = _choose_form(judgement, result)
    return {language: _write(form, result, study, language) for language in LANGUAGES}


def _choose_form(judgement: Judgement, result: Result) -> str:
    """The name of the sentence: where unlike things were compared, what such a comparison says is called careless."""
    if judgement.verdict is Verdict.CANNOT_TELL_YET:
        if DEFINITIONS in judgement.blocked_by:
            return "careless"
        if not all(map(math.isfinite, result.interval)):
            return "unbounded"
    return judgement.verdict.value


def write_nothing_left(study: Study) -> dict[str, str]:
    """The sentence where nothing was left to compare."""
    words = texts()["sentence"][NOTHING_LEFT]
    return {language: words[language].format(**_name(study, language)) for language in LANGUAGES}


def write_reasons(
    judgement: Judgement, result: Result, study: Study, titles: Titles | None = None
) -> list[dict[str, object]]:
    """Why there is no verdict yet and what would settle it: `code` and `text` for each of `blocked_by`."""
    return [
        {
            "code": code,
            "text": {
                language: _reason(code, judgement, result, study, language, titles or {}) for language in LANGUAGES
            },
        }
        for code in judgement.blocked_by
    ]


def get_effect_unit(study: Study) -> dict[str, str] | None:
    """The unit that effects are told in; None where they are percent."""
    if isinstance(study, PartsStudy) or study.scale == "log":
        return None
    if study.unit_word is not None:
        return study.unit_word.both
    return dict.fromkeys(LANGUAGES, get_quantity(study.outcome.quantity).unit)


def count_word(study: Study) -> Mapping[str, str]:
    """What is counted where more of them would settle it: days, weeks, months, years or episodes."""
    found: Mapping[str, str] = texts()["unit"][study.every if isinstance(study, PlacesStudy) else study.unit]
    return found


def _write(form: str, result: Result, study: Study, language: str) -> str:
    unit = get_effect_unit(study)
    templates = texts()["sentence"]
    effect, low, high = (format_effect(value, language, unit) for value in (result.effect, *result.interval))
    words = {
        **_name(study, language),
        "effect": effect,
        "size": format_effect(abs(result.effect), language, unit).removeprefix("+")
        if unit
        else _shrink(result, language),
        "low": low,
        "high": high,
        "level": format_percent(100 * result.level, language, signed=False),
        "smallest": _format_smallest(study, language, unit),
    }
    if form in (Verdict.WORKED, Verdict.HARMED):
        moved = str(templates["rose" if result.effect > 0 else "fell"][language].format(**words))
        return str(templates[form][language].format(clause=_lower(moved)))
    return str(templates[form][language].format(**words))


def _name(study: Study, language: str) -> dict[str, str]:
    after = study.outcome.after.both[language]
    return {
        "subject": study.outcome.subject.both[language],
        "after": after,
        "then": _lower(after),
        "comparison": study.comparison.phrase.both[language],
    }


def _shrink(result: Result, language: str) -> str:
    return format_percent(to_percent(result.effect), language, signed=False)


def _format_smallest(study: Study, language: str, unit: Mapping[str, str] | None) -> str:
    if unit is None:
        return format_percent(study.smallest_effect, language, signed=False)
    return format_effect(study.smallest_effect, language, unit).removeprefix("+")


def name_quantity(name: str) -> dict[str, str]:
    """A quantity's title as it stands within a sentence."""
    quantity = get_quantity(name)
    return {"en": _lower(quantity.title_en), "fr": _lower(quantity.title_fr)}


def _lower(text: str) -> str:
    # Not of an abbreviation, such as PM10.
    return text if text[1:2].isupper() else text[0].lower() + text[1:]


def _reason(code: str, judgement: Judgement, result: Result, study: Study, language: str, titles: Titles) -> str:
    if code != INTERVAL_TOO_WIDE:
        (check,) = (one for one in result.checks if one.name == code)
        return explain_check(check, get_effect_unit(study), titles)[language]
    if not all(map(math.isfinite, result.interval)):
        numbers = {"level": result.level, "smallest_p": result.smallest_p}
        return explain(texts()["answer"]["unbounded"], numbers)[language]
    if isinstance(study, PlacesStudy):
        return str(texts()["answer"]["too_wide"][language])
    needed = judgement.times_needed or 0
    return str(
        texts()["blocked"][code][language].format(
            needed=format_number(needed, language),
            unit=count_word(study)[language],
            count=format_number(result.n_times, language),
        )
    )
