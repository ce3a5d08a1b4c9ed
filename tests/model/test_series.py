"""The identity of series."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.series import Series, format_series_id, parse_series_id

WORDS = st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)
FACETS = WORDS | st.sampled_from([""])
NUMBERS = st.integers(0, 2**63 - 1)


@given(NUMBERS)
def test_ids_are_numbers_in_base_32(number: int) -> None:
    """An id is 13 letters and digits that read back as its number, in either case, and sorts as it does."""
    text = format_series_id(number)
    assert len(text) == 13
    assert set(text) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert parse_series_id(text) == parse_series_id(text.upper()) == number


@given(NUMBERS, NUMBERS)
def test_ids_sort_as_numbers(one: int, other: int) -> None:
    """Order by id is order by number."""
    assert (format_series_id(one) < format_series_id(other)) == (one < other)


@pytest.mark.parametrize(
    "text", ["", "0", "z" * 13, "0" * 12, "0" * 14, "00000000000i1", "000000000000 ", "-000000000001", "é" * 13]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """Another length, another letter and numbers of 64 bits or more are refused with what came."""
    with pytest.raises(InvalidValueError, match="is not a series id"):
        parse_series_id(text)


@given(st.tuples(WORDS, WORDS, FACETS), st.tuples(WORDS, WORDS, FACETS))
def test_different_words_are_different_series(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Two series have one number exactly when all their words are the same."""
    first, second = (Series(feed, place, "bicycle_count", facet) for feed, place, facet in (one, other))
    assert (first.number == second.number) == (one == other)
    assert 0 <= first.number < 2**63


def test_the_number_is_the_documented_hash() -> None:
    """BLAKE2b of the four words, 8 bytes, without the lowest bit: another node gives the same number."""
    digest = hashlib.blake2b(b"f\x1fp\x1fbicycle_count\x1f", digest_size=8).hexdigest()
    assert Series("f", "p", "bicycle_count").number == int(digest, 16) // 2


def test_moving_a_word_over_a_border_makes_another_series() -> None:
    """("ab", "c") and ("a", "bc") don't share a number: no word may hold the separator."""
    assert Series("ab", "c", "bicycle_count").number != Series("a", "bc", "bicycle_count").number
    with pytest.raises(InvalidValueError, match="printable"):
        Series("a\x1fb", "c", "bicycle_count")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("", "p", "bicycle_count"), "feed"),
        (("f", "", "bicycle_count"), "place"),
        (("f", "p" * 201, "bicycle_count"), "place"),
        (("f", "p", "bicycle_count", "line\nbreak"), "facet"),
        (("f", "p", "bicycles"), "quantity"),
    ],
)
def test_an_invalid_series_cannot_be_built(words: tuple[str, ...], where: str) -> None:
    """Empty, long and unprintable words and unknown quantities are refused and named."""
    with pytest.raises((InvalidValueError, UnknownNameError)) as caught:
        Series(*words)
    assert caught.value.where == where
