"""The pages' words: complete in both languages, all of them used, and set as each language sets its type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "web" / "src"
ENTRY = re.compile(r'^  "(?P<key>[\w.]+)": (?P<words>.+),$', re.MULTILINE)


def read_catalogue(language: str) -> dict[str, str]:
    files = sorted((SOURCES / "words").glob(f"{language}*.ts"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return {match["key"]: match["words"] for match in ENTRY.finditer(text)}


def read_quoted(words: str) -> list[str]:
    return re.findall(r'"([^"]*)"', words)


def test_each_key_is_in_both_languages() -> None:
    """French has the keys of English, in the same order, so that none is missing and none is left over."""
    english = list(read_catalogue("en"))
    assert len(english) > 100
    assert list(read_catalogue("fr")) == english


def test_no_key_is_unused() -> None:
    """Each key is asked for in a component, by its whole name or by a prefix that a value completes."""
    files = [path for path in SOURCES.rglob("*") if path.suffix in {".ts", ".svelte"} and path.parent.name != "words"]
    files += [SOURCES / "words" / "format.ts"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    whole = set(re.findall(r'\bt\(\s*"([\w.]+)"', code))
    prefixes = tuple(re.findall(r"\bt\(\s*`([\w.]+)\$\{", code))
    assert [key for key in read_catalogue("en") if key not in whole and not key.startswith(prefixes)] == []


def test_a_message_has_the_same_slots_in_both_languages() -> None:
    """What English puts into a sentence French puts in too."""
    english, french = read_catalogue("en"), read_catalogue("fr")
    slots = {key: set(re.findall(r"\{(\w+)\}", words)) for key, words in english.items()}
    assert {key: set(re.findall(r"\{(\w+)\}", words)) for key, words in french.items()} == slots


def test_french_spaces_its_punctuation() -> None:
    """A no-break space, narrow or not, comes before each `; : ! ?` of a French sentence and inside guillemets."""
    wrong = [
        text
        for words in read_catalogue("fr").values()
        for text in read_quoted(words)
        if re.search(r"[^\u202f\u00a0][;:!?»]|«[^\u202f\u00a0]|'", text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("verdict", "english", "french"),
    [
        ("worked", "worked", "a marché"),
        ("harmed", "harmed", "a nui"),
        ("rose", "rose", "a augmenté"),
        ("fell", "fell", "a baissé"),
        ("no_effect_shown", "no effect shown", "pas d’effet"),
        ("cannot_tell_yet", "cannot tell yet", "on ne peut pas dire"),
    ],
)
def test_verdicts_have_their_words(verdict: str, english: str, french: str) -> None:
    """The six verdicts are said in the words that the project's glossary fixes."""
    assert read_quoted(read_catalogue("en")[f"verdict.{verdict}"]) == [english]
    assert read_quoted(read_catalogue("fr")[f"verdict.{verdict}"]) == [french]
