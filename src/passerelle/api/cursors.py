"""Cursors: where the next page of a list begins, opaque to whoever holds one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from passerelle.api.problem import refuse_parameter

Key = TypeVar("Key")
Item = TypeVar("Item")

MOST_ITEMS = 1000
_LONGEST = 600


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One answer of a list; `next` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None


def write_cursor(key: object) -> str:
    """`key` (a string, a number, or a tuple of them) as a cursor."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def read_cursor(cursor: str | None, kind: type[Key]) -> Key | None:
    """The key that `write_cursor` was given, None for no cursor.

    >>> read_cursor(write_cursor("75104"), str)
    '75104'
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise refuse_parameter("cursor", cursor, "a `next` of this list is allowed, unchanged") from error


def cut_page(found: Sequence[Item], limit: int, key: Callable[[Item], object]) -> tuple[Sequence[Item], str | None]:
    """The first `limit` of the `limit + 1` items asked of the store, and the cursor of the rest, None at the end."""
    if len(found) <= limit:
        return found, None
    return found[:limit], write_cursor(key(found[limit - 1]))
