"""Every verdict has one plain sentence in both languages, which names what the place was compared with."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.verdict import INTERVAL_TOO_WIDE, Judgement, Verdict
from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.told.sentence import write_reasons, write_sentence


@pytest.fixture
def study(checkout: Path) -> PartsStudy:
    """Cycling after the curfew."""
    return read_declaration(checkout / "cities/paris/curfew-18h-2021.toml").study


def result(low: float, middle: float, high: float) -> Result:
    """A result from changes in percent."""
    low, middle, high = (math.log1p(percent / 100) for percent in (low, middle, high))
    return Result(middle, 0.05, (low, high), 0.95, 0.01, 2, 29, "did_blocks", (), "blocks")


def test_a_fall_in_both_languages(study: PartsStudy) -> None:
    """The sentence, word for word."""
    found = write_sentence(Judgement(Verdict.FELL), result(-42, -31, -18.4), study)
    assert found == {
        "en": "After the 18:00 curfew of 16 January 2021, the number of bicycles counted between 18:00 and 20:00 fell "
        "by 31% (95% interval: −42% to −18%) compared with the number at the same counters between 11:00 and 14:00 on "
        "the same days.",
        "fr": "Après le couvre-feu à 18 h du 16 janvier 2021, le nombre de vélos comptés entre 18 h et 20 h a baissé "
        "de 31\u00a0% (intervalle à 95\u00a0% : −42\u00a0% à −18\u00a0%) par rapport à celui des mêmes compteurs "
        "entre 11 h et 14 h les mêmes jours.",
    }


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_names_its_comparison(study: PartsStudy, verdict: Verdict) -> None:
    """No verdict without what the place was compared with, nor without the effect's interval."""
    found = write_sentence(Judgement(verdict), result(-3, 2.5, 8.1), study)
    for language, text in found.items():
        assert study.comparison.phrase.both[language] in text
        assert "8" in text
        assert "{" not in text


def test_a_comparison_of_unlike_things_is_called_careless(study: PartsStudy) -> None:
    """Where definitions block it, the number is still told, and told for what it is."""
    blocked = Judgement(Verdict.CANNOT_TELL_YET, ("definitions", "overlap"))
    found = write_sentence(blocked, result(-42, -31, -18.4), study)
    assert "a careless comparison of unlike things, it moved by −31%" in found["en"]
    assert "comparaison négligente de choses différentes, il a bougé de −31\u00a0%" in found["fr"]


def test_no_interval_is_said_in_words(study: PartsStudy) -> None:
    """With too few to have one, no infinities are shown."""
    blocked = Judgement(Verdict.CANNOT_TELL_YET, ("too_few_units",))
    found = write_sentence(blocked, replace(result(-42, -31, -18.4), interval=(-math.inf, math.inf)), study)
    assert found["en"].endswith("it moved by −31%, and so few give no 95% interval.")
    assert "∞" not in found["fr"]


def test_harm_is_called_harm(study: PartsStudy) -> None:
    """Down was wanted and it rose: the words of the verdict come first, then the movement."""
    found = write_sentence(Judgement(Verdict.HARMED), result(3, 12, 20), study)
    assert found["en"].startswith("It did harm: after the 18:00 curfew of 16 January 2021, the number")
    assert "a augmenté de 12\u00a0%" in found["fr"]


def test_what_would_settle_it_is_said(study: PartsStudy) -> None:
    """The times needed and the times there are."""
    judgement = Judgement(Verdict.CANNOT_TELL_YET, (INTERVAL_TOO_WIDE, "too_few_units"), 90)
    few = Check("too_few_units", Outcome.FAILED, "too_few", {"before": 9.0, "after": 20.0, "needed": 12.0})
    wide, refuted = write_reasons(judgement, result(-3, 2, 14).with_checks(few), study)
    assert "About 90 days in all" in wide["text"]["en"]
    assert "il y en a 29" in wide["text"]["fr"]
    assert refuted == {
        "code": "too_few_units",
        "text": {
            "en": "9 before and 20 after: fewer than the 12 needed on each side.",
            "fr": "9 avant et 20 après : moins que les 12 nécessaires de chaque côté.",
        },
    }
