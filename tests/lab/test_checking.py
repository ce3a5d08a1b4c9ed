"""The checks of each method: each has words for all it can answer, and they seldom block what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passerelle.lab import checks
from passerelle.lab.checking import CHECKS, CHECKS_OF
from passerelle.studies.told.words import texts

FOLDER = Path(checks.__file__).parent


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_has_words_for_each_reason(name: str) -> None:
    """Every reason that a check's file writes has a sentence, and every placeholder a number the file names."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    words = texts()["check"][name]
    reasons = set(re.findall(r'Outcome\.[A-Z_]+,\s*"([a-z_]+)"', source))
    assert reasons | ({"no_effect_claimed"} if "not_claimed(NAME)" in source else set()) <= words.keys()
    for text in words.values():
        assert all(f'"{found}"' in source for found in re.findall(r"\{([a-z_]+):?[a-z]*\}", text["en"]))


def test_each_method_names_checks_that_exist() -> None:
    """The table of methods names only checks there are, each once; and each check is some method's."""
    for names in CHECKS_OF.values():
        assert len(set(names)) == len(names)
        assert set(names) <= CHECKS.keys()
    assert {name for names in CHECKS_OF.values() for name in names} == CHECKS.keys()
