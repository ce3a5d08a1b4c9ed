"""The one way to write a JSON document as bytes, so that hashes and signatures of it can be checked anywhere.

RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 units, no spaces, UTF-8, numbers as ECMAScript
writes them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from passerelle.model.errors import InvalidValueError


def canonical(value: Any) -> bytes:
    """`value`, of JSON types, as canonical bytes.

    >>> canonical({"b": [1.0, 1e-7, None], "a": "é"}).decode()
    '{"a":"é","b":[1,1e-7,null]}'
    """
    return _write(value).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _write(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    raise InvalidValueError(f"{type(value).__name__} is not a JSON type", where="document")


def _number(value: float) -> str:
    """ECMAScript's shortest form: Python's digits, with the exponent from 1e21 up and below 1e-6."""
    if not math.isfinite(value):
        raise InvalidValueError(f"{value} is not a JSON number", where="document")
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    sign, magnitude = ("-", -value) if value < 0 else ("", value)
    mantissa, _, exponent = f"{magnitude!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len((whole + fraction).lstrip("0")))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
