"""The JSON of a reply: its shape checked, and lists of objects as columns of strings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._csv import REFUSED
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

_BROKEN = (msgspec.MsgspecError, RecursionError, ValueError)


def read_json(reply: Reply, shape: Any) -> Any:
    """The reply as a value of `shape`, such as `dict[str, msgspec.Raw]`; a `ReplyError` says where it isn't one."""
    text = read_text(reply, "utf-8")
    try:
        return msgspec.json.decode(text.encode(), type=shape)
    except _BROKEN as error:
        raise ReplyError(f"the reply is no JSON of the expected shape: {error}; it begins {text[:80]!r}") from error


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects as columns of strings (`row`, `raw` and what was asked), the refused ones (`REFUSED`), every name met."""

    rows: pl.DataFrame
    refused: pl.DataFrame
    names: frozenset[str]


def read_objects(items: Sequence[msgspec.Raw], columns: Collection[str], *, within: str = "") -> Objects:
    """Each item's values of `columns` as text, from its member `within` where that is named; `row` counts from 1.

    A value that is null or absent is "", a number is written as Python writes it, a list or an object as JSON. An
    item that is no object is refused.
    """
    kept: list[tuple[int, str, dict[str, Any]]] = []
    refused = []
    names: set[str] = set()
    for row, item in enumerate(items, 1):
        raw = bytes(item).decode(errors="replace")
        try:
            members = _members(item, within)
        except _BROKEN as error:
            refused.append({"row": row, "reason": f"not an object: {error}", "raw": raw})
        else:
            kept.append((row, raw, members))
            names.update(members)
    texts = {name: [_text(members.get(name)) for _, _, members in kept] for name in columns}
    return Objects(
        rows=pl.DataFrame(
            {"row": [row for row, _, _ in kept], "raw": [raw for _, raw, _ in kept], **texts},
            schema={"row": pl.Int64, "raw": pl.String, **dict.fromkeys(columns, pl.String)},
        ),
        refused=pl.DataFrame(refused, schema=REFUSED),
        names=frozenset(names),
    )


def _members(item: msgspec.Raw, within: str) -> dict[str, Any]:
    members = msgspec.json.decode(item, type=dict[str, Any])
    return msgspec.convert(members.get(within), dict[str, Any]) if within else members


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | list | dict):
        return msgspec.json.encode(value).decode()
    return repr(value)
