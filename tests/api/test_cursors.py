"""Cursors lead on, and only where they came from."""

from __future__ import annotations

from datetime import UTC, datetime

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


def test_the_last_page_has_no_next() -> None:
    """One item more than the page holds means that there is a next one."""
    assert cut_page([1, 2], 2, lambda item: item) == ([1, 2], None)
    assert cut_page([1, 2, 3], 2, lambda item: item) == ([1, 2], write_cursor(2))
