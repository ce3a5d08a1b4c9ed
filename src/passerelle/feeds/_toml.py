"""Tables of a TOML file as typed structures; what is wrong is named by its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from passerelle.model.errors import InvalidValueError

_Table = TypeVar("_Table")


def convert(document: Mapping[str, Any], kind: type[_Table], where: str) -> _Table:
    """`document` as a `kind`; the error names the key, what came and what is allowed."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InvalidValueError(f"{where}: {_explain(document, str(error))}", where=where) from error


def _explain(document: Mapping[str, Any], message: str) -> str:
    """A validation message with its key in words of TOML and the value that stood there."""
    reason, _, where = message.partition(" - at `$.")
    came: Any = document
    where = where.removesuffix("`")
    for step in where.replace("]", "").replace("[", ".").split(".") if where else ():
        came = came[int(step)] if isinstance(came, list) and step.isdigit() else came.get(step, {})
    return f"{where or 'top level'}: {reason}; got {str(came)[:120]!r}"
