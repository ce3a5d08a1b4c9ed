"""Declarations are files that say everything a study will do, and are sealed once."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.model.errors import InvalidValueError
from passerelle.studies.declaration import read_declaration, read_declarations, read_study, seal

PARIS = "cities/paris/curfew-18h-2021.toml"


def test_both_cities_declare_one_change(checkout: Path) -> None:
    """Each TOML file under cities/<city>/ is read, and a study read back from its document is the same."""
    for city in ("paris", "san-francisco"):
        declarations = read_declarations(city)
        assert len(declarations) == len(list((checkout / "cities" / city).glob("*.toml")))
        assert all(read_study(one.document) == one.study for one in declarations)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("smallest_effect = 10.0", "smallest_effect = -1.0", "study.smallest_effect"),
        ('wanted = "neither"', 'wanted = "sideways"', "study.wanted"),
        ('quantity = "bicycle_count"', 'quantity = "bicycles"', "bicycles"),
        ("hours = [18, 20]", "hours = [20, 18]", "must ascend"),
        ("hours = [18, 20]", "hours = [13, 20]", "share the hours 13 to 14"),
        ("after = [2021-01-18, 2021-02-05]", "after = [2021-01-10, 2021-02-05]", "must ascend"),
        ('change = "curfew-18h-2021"', 'change = "another"', "another"),
        ("adjust_for", "adjust_four", "adjust_four"),
    ],
)
def test_a_mistake_is_named(checkout: Path, tmp_path: Path, old: str, new: str, where: str) -> None:
    """The error says the file and the key or value that can't be."""
    text = (checkout / PARIS).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidValueError, match=r"wrong\.toml") as error:
        read_declaration(path)
    assert where in str(error.value)


def test_the_hash_is_of_every_word(checkout: Path, tmp_path: Path) -> None:
    """SHA-256 over sorted JSON without spaces; another exclusion is another hash."""
    declaration = read_declaration(checkout / PARIS)
    text = json.dumps(declaration.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # The document's only floats are 10.0 and 0.95; RFC 8785 writes the first as 10.
    assert declaration.hash == hashlib.sha256(text.replace("10.0", "10").encode()).hexdigest()
    path = tmp_path / "later.toml"
    path.write_text((checkout / PARIS).read_text(encoding="utf-8").replace("2020-12-19", "2020-12-18"))
    assert read_declaration(path).hash != declaration.hash


@pytest.mark.parametrize(("day", "retrospective"), [(17, False), (18, True)])
def test_a_study_declared_too_late_says_so(checkout: Path, day: int, retrospective: bool) -> None:
    """The window after begins on 18 January 2021: whoever declares then or later could see the outcome."""
    sealed = seal(read_declaration(checkout / PARIS), datetime(2021, 1, day, 12, tzinfo=UTC))
    assert sealed["retrospective"] is retrospective
