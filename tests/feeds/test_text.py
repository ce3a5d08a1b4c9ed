"""The text of replies: gzip bombs, charsets."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from passerelle.feeds import _text
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def test_a_bomb_is_cut() -> None:
    """300 MB of zeros in 300 kB of gzip are refused beyond 256 MiB."""
    bomb = gzip.compress(bytes(300 * 1024 * 1024), compresslevel=1)
    with pytest.raises(ReplyError, match="more than 268435456 bytes"):
        _text.read_bytes(Reply(bomb, NOW))


def test_the_first_charset_that_fits_is_taken() -> None:
    """UTF-8 before Latin-1: `é` is one letter in either, and a byte order mark is no letter."""
    for body in (b"\xc3\xa9", b"\xe9", b"\xef\xbb\xbf\xc3\xa9"):
        assert _text.read_text(Reply(body, NOW), "utf-8", "latin-1") == "é"


def test_a_wrong_charset_says_where() -> None:
    """The byte that doesn't fit is named with its place, and the reply by its name."""
    with pytest.raises(ReplyError, match=r"'a\.csv'.*utf-8: byte 3 is 0xe9"):
        _text.read_text(Reply(b"abc\xe9", NOW, name="a.csv"), "utf-8")
