"""Cursors lead on, and only where they came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from passerelle.api.cursors import cut_page, read_cursor, write_cursor
from passerelle.api.problem import RequestError


@pytest.mark.parametrize(
    ("key", "kind"),
    [("75104", str), (2**63 - 1, int), (datetime(2021, 1, 1, tzinfo=UTC), datetime), ("é" * 200, str)],
)
def test_a_cursor_reads_back(key: object, kind: type[object]) -> None:
    """Every kind of key survives the way out and back, in characters that need no quoting in an address."""
    cursor = write_cursor(key)
    assert read_cursor(cursor, kind) == key
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", "é", "x" * 5000, write_cursor("text")])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """Anything but a cursor of this kind of list is a problem."""
    with pytest.raises(RequestError, match="cursor"):
        read_cursor(cursor, int)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (2**63, int),
        (-1, int),
        (datetime(2021, 1, 1), datetime),  # noqa: DTZ001
        (datetime(1, 1, 1, tzinfo=UTC), datetime),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime),
        ((datetime(2021, 1, 1, tzinfo=UTC), -5000), tuple[datetime, int]),
        ((datetime(2021, 1, 1, tzinfo=UTC), 2**63), tuple[datetime, int]),
        ("x.y", tuple[int, int]),
        ((1, 2**40), tuple[int, int]),
    ],
)
def test_a_cursor_made_up_is_refused(key: object, kind: type[object]) -> None:
    """A key of the right type that no list of this node gives is a problem, and never reaches the store."""
    with pytest.raises(RequestError, match="cursor"):
        read_cursor(write_cursor(key), kind)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("series", 2**64 - 1),
        ("feeds/autolib-stations/replies", 2**64 - 1),
        ("feeds/autolib-stations/refused", "x.y"),
        ("places", "\0"),
        ("quantities", 2**64 - 1),
        ("changes", "\0"),
    ],
)
def test_lists_take_no_made_up_cursor(paris: Any, path: str, key: object) -> None:
    """Each list answers a cursor that anybody may have written with a 400 or a page, never with a 500."""
    with paris.client() as client:
        assert client.get(f"/{path}", params={"cursor": write_cursor(key)}).status_code in (200, 400)


def test_the_last_page_has_no_next() -> None:
    """One item more than the page holds means that there is a next one."""
    assert cut_page([1, 2], 2, lambda item: item) == ([1, 2], None)
    assert cut_page([1, 2, 3], 2, lambda item: item) == ([1, 2], write_cursor(2))
