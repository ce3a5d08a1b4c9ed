"""The versions of one key, and where a new one takes its place among them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import pyarrow as pa

from passerelle.model.observation import VERSION


class Version(NamedTuple):
    """A row of schema `VERSION`; times are microseconds since 1970 in UTC."""

    series: int
    start: int
    end: int
    value: float | None
    reason: str | None
    known_since: int
    source: int

    def repeats(self, earlier: Version) -> bool:
        """Whether this says of the key what `earlier` said."""
        return (self.end, self.value, self.reason) == (earlier.end, earlier.value, earlier.reason)


_known_since = attrgetter("known_since")


def place_version(versions: list[Version], row: Version) -> bool:
    """Whether `row` was put into its key's `versions`, which are ordered by `known_since` and then arrival.

    A row that repeats the version before it adds nothing, nor does a withdrawal with nothing before it.

    >>> versions = [Version(1, 0, 9, 4.0, None, 100, 1)]
    >>> place_version(versions, Version(1, 0, 9, 4.0, None, 200, 2))
    False
    >>> place_version(versions, Version(1, 0, 9, 5.0, None, 50, 3)), [version.value for version in versions]
    (True, [5.0, 4.0])
    """
    at = bisect_right(versions, row.known_since, key=_known_since)
    if at == 0 and row.value is None:
        return False
    if at > 0 and row.repeats(versions[at - 1]):
        return False
    versions.insert(at, row)
    return True


def version_as_known(versions: Sequence[Version], moment: int | None) -> Version | None:
    """The last of a key's `versions` known at `moment` (the very last when None); None where it wasn't known yet."""
    at = len(versions) if moment is None else bisect_right(versions, moment, key=_known_since)
    return versions[at - 1] if at else None


def to_table(versions: Iterable[Version]) -> pa.Table:
    """`versions` as a table of schema `VERSION`, in the order given."""
    columns = list(zip(*versions, strict=True)) or [()] * len(VERSION)
    return pa.table(
        [_to_array(column, field.type) for column, field in zip(columns, VERSION, strict=True)], schema=VERSION
    )


def from_table(table: pa.Table) -> list[Version]:
    """The rows of a table of schema `VERSION`, in its order."""
    columns = [
        (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for column in table.columns
    ]
    return [Version(*row) for row in zip(*columns, strict=True)]


def _to_array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        # A cast costs 20 times as much, and small batches come by the thousand.
        return pa.array(values, pa.int64()).view(kind)
    return pa.array(values, kind)
