"""A series: one quantity at one place from one feed, and the number the lake knows it by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import Quantity, get_quantity

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o or u to misread
_ID_LENGTH = 13
_LONGEST_PART = 200


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity at one place from one feed.

    `facet` splits a quantity by a publisher's own open list (a vehicle model, a category of
    report) and is empty for most. The number is derived from the four words, so that two nodes,
    or one rebuilt from its replies, give a series the same identity.
    """

    feed: str
    place: str
    quantity: str
    facet: str = ""

    def __post_init__(self) -> None:
        get_quantity(self.quantity)
        for name in ("feed", "place", "quantity", "facet"):
            part: str = getattr(self, name)
            if name != "facet" and not part:
                raise InvalidValueError(f"a series needs a {name}", where=name)
            if len(part) > _LONGEST_PART or any(ord(character) < 32 for character in part):
                raise InvalidValueError(
                    f"{name} {part[:40]!r} must be at most {_LONGEST_PART} printable characters", where=name
                )

    @property
    def number(self) -> int:
        """A positive 63-bit integer that stands for this series in the lake."""
        key = "\x1f".join((self.feed, self.place, self.quantity, self.facet)).encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) >> 1

    @property
    def id(self) -> str:
        """`number` as 13 characters, for addresses and files."""
        return format_series_id(self.number)

    @property
    def measured(self) -> Quantity:
        """The quantity's row of the table."""
        return get_quantity(self.quantity)


def format_series_id(number: int) -> str:
    """`number` in Crockford's base 32, 13 characters.

    >>> format_series_id(33)
    '0000000000011'
    """
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def parse_series_id(text: str) -> int:
    """The number that `text` stands for, letters' case ignored."""
    number = 0
    for character in text.lower():
        digit = _ALPHABET.find(character)
        if digit < 0:
            break
        number = number * 32 + digit
    else:
        if len(text) == _ID_LENGTH and number < 2**63:
            return number
    raise InvalidValueError(
        f"{text[:40]!r} is not a series id: {_ID_LENGTH} characters of {_ALPHABET} are", where="series"
    )
