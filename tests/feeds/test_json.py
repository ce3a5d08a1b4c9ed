"""The JSON of replies: shapes, and objects as columns of strings."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds._json import read_json, read_objects
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(body: bytes) -> list[msgspec.Raw]:
    return read_json(Reply(body, NOW), list[msgspec.Raw])


def test_objects_are_columns_of_strings() -> None:
    """Null and absent are "", numbers are as Python writes them, what has parts is JSON."""
    objects = read_objects(
        read(b'\xef\xbb\xbf[{"a": 1, "b": "-"}, {"a": 1.50, "c": null}, {"a": true, "b": [1]}]'), ["a", "b"]
    )
    assert objects.rows.select("row", "a", "b").rows() == [(1, "1", "-"), (2, "1.5", ""), (3, "true", "[1]")]
    assert objects.rows["raw"][1] == '{"a": 1.50, "c": null}'
    assert (objects.names, objects.refused.height) == ({"a", "b", "c"}, 0)


def test_a_member_holds_the_values() -> None:
    """`within` names the member to look in; an item without it is refused with its text."""
    objects = read_objects(read(b'[{"f": {"a": "x"}}, {"g": 1}, 7]'), ["a"], within="f")
    assert objects.rows["a"].to_list() == ["x"]
    assert objects.refused["row"].to_list() == [2, 3]
    assert objects.refused["raw"].to_list() == ['{"g": 1}', "7"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": 1}', "Expected `array`, got `object`"),
        (b"[1, ", "truncated"),
        (b"[NaN]", "malformed"),
        (b"[1] [2]", "trailing"),
        (b"[" * 100_000, "no JSON"),
        (b"", "empty"),
        (b"<html>", "markup"),
    ],
)
def test_what_is_of_another_shape_is_refused(body: bytes, says: str) -> None:
    """Other shapes, cut, deep and malformed texts say what is wrong."""
    with pytest.raises(ReplyError, match=says):
        read(body)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.binary(max_size=20), st.integers(0, 40))
def test_harmed_json_is_read_or_refused(come: bytes, where: int) -> None:
    """Whatever bytes come, every item stands among the rows or the refused, or the reply is a `ReplyError`."""
    whole = b'[{"a": 1, "b": "text"}, {"a": -2.5e3}]'
    try:
        items = read(whole[:where] + come + whole[where + 2 :])
    except ReplyError:
        return
    objects = read_objects(items, ["a", "b"])
    assert objects.rows.height + objects.refused.height == len(items)
