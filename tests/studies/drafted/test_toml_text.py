"""What is written as TOML is read back as it was."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.studies.declared.declaration import parse_declaration, read_declarations
from passerelle.studies.drafted.toml_text import write_toml

KEYS = st.text(min_size=1, max_size=8)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.dates(),
    st.lists(st.text(), max_size=3),
)
TABLES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(VALUES, inner, st.lists(inner, min_size=1, max_size=2)), max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_any_document_is_read_back(document: dict[str, Any]) -> None:
    """Tables, lists of them, texts with quotes, line ends and controls: the standard library reads what was written."""
    assert tomllib.loads(write_toml(document)) == document


@pytest.mark.parametrize("city", ["paris", "san-francisco", "reference"])
def test_declared_studies_keep_their_hash(city: str) -> None:
    """The cities' own files, written anew, declare the same studies."""
    declared = read_declarations(city)
    assert declared
    for one in declared:
        document = {"change": one.change.document, "study": one.document}
        document["change"]["link"] = document["change"].pop("links")
        where = document["change"]["where"]
        document["change"] = {key: value for key, value in document["change"].items() if value is not None}
        document["change"]["where"] = {key: value for key, value in where.items() if value is not None}
        assert parse_declaration(tomllib.loads(write_toml(document))).hash == one.hash
