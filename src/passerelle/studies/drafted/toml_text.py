"""A declaration as the text of a TOML file, which `read_declaration` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def write_toml(document: Mapping[str, Any]) -> str:
    """The document's tables in its order.

    >>> print(write_toml({"study": {"id": "a", "windows": {"after": [date(2021, 1, 4)]}}}), end="")
    [study]
    id = "a"
    <BLANKLINE>
    [study.windows]
    after = [2021-01-04]
    """
    return "\n".join(_list_lines(document, ())).strip() + "\n"


def _list_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    deeper = {name: value for name, value in table.items() if _is_table(value) or _are_tables(value)}
    if path and (len(deeper) < len(table) or not deeper):
        yield f"[{'.'.join(map(_key, path))}]"
    yield from (f"{_key(name)} = {_value(value)}" for name, value in table.items() if name not in deeper)
    if len(deeper) < len(table):
        yield ""
    for name, value in deeper.items():
        if _is_table(value):
            yield from _list_lines(value, (*path, name))
            continue
        for one in value:
            yield f"[[{'.'.join(map(_key, (*path, name)))}]]"
            yield from (f"{_key(key)} = {_value(each)}" for key, each in one.items())
            yield ""


def _is_table(value: object) -> bool:
    """Whether a mapping is a table of its own; a text in two languages, or a geometry, stays in one line."""
    return isinstance(value, Mapping) and set(value) != {"en", "fr"} and "type" not in value


def _are_tables(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _quote(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _quote(str(value))


def _quote(text: str) -> str:
    # JSON's escapes are TOML's, but for U+007F, which JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
