"""Cursors: where the next page of a list begins, opaque to whoever holds one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from passerelle.api.problem import refuse_parameter

Key = TypeVar("Key")
Item = TypeVar("Item")

MOST_ITEMS = 1000
_LONGEST = 600
_ALLOWED = "a `next` of this list is allowed, unchanged"


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One answer of a list; `next` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Row = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Place = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_BOUNDED: dict[Any, Any] = {
    int: _Row,
    datetime: _Moment,
    tuple[datetime, int]: tuple[_Moment, _Place],
    tuple[int, int]: tuple[_Row, _Place],
}
"""What a cursor's key may be: anybody can write one, and the store is asked for what it says."""

_CALENDAR = range(1800, 2201)
"""Years that observations lie in."""


def write_cursor(key: object) -> str:
    """`key` (a string, a number, or a tuple of them) as a cursor."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()


def read_cursor(cursor: str | None, kind: type[Key]) -> Key | None:
    """The key that `write_cursor` was given, None for no cursor; numbers are row numbers, times have a zone.

    >>> read_cursor(write_cursor("75104"), str)
    '75104'
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key: Key = msgspec.msgpack.decode(raw, type=_BOUNDED.get(kind, kind))
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise refuse_parameter("cursor", cursor, _ALLOWED) from error
    if any(isinstance(part, datetime) and part.year not in _CALENDAR for part in _list_parts(key)):
        raise refuse_parameter("cursor", cursor, _ALLOWED)
    return key


def _list_parts(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)


def cut_page(found: Sequence[Item], limit: int, key: Callable[[Item], object]) -> tuple[Sequence[Item], str | None]:
    """The first `limit` of the `limit + 1` items asked of the store, and the cursor of the rest, None at the end."""
    if len(found) <= limit:
        return found, None
    return found[:limit], write_cursor(key(found[limit - 1]))
