"""Short ways to write and read rows in the conformance tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from passerelle.lake.contract import Origin
from passerelle.model.observation import OBSERVATION

EPOCH = datetime(2021, 1, 1, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SAN_FRANCISCO = ZoneInfo("America/Los_Angeles")

Row = tuple[int, int, float | str]
"""A series, the minute after `EPOCH` at which it starts, and its value or the reason for having none."""


def at(minute: float) -> datetime:
    """The instant `minute` minutes after `EPOCH`."""
    return EPOCH + timedelta(minutes=minute)


def rows_of(*rows: Row, length: int = 15) -> pa.Table:
    """A batch of `rows`, each `length` minutes long."""
    return pa.Table.from_pylist(
        [
            {
                "series": series,
                "start": at(minute),
                "end": at(minute + length),
                "value": None if isinstance(said, str) else said,
                "reason": said if isinstance(said, str) else None,
            }
            for series, minute, said in rows
        ],
        schema=OBSERVATION,
    )


def origin_of(key: str, known: float, *, source: int = 1, digest: bytes = b"") -> Origin:
    """An origin known since minute `known`."""
    return Origin(source=source, known_since=at(known), key=key, digest=digest or key.encode())


def said(table: pa.Table) -> list[Row]:
    """The rows of `table` as `rows_of` takes them."""
    return [
        (row["series"], (row["start"] - EPOCH) // timedelta(minutes=1), row["reason"] or row["value"])
        for row in table.to_pylist()
    ]


def said_since(table: pa.Table) -> list[tuple[float | str, int]]:
    """Of each row its value (or reason), and the minute it is known since."""
    minutes = [(moment - EPOCH) // timedelta(minutes=1) for moment in table["known_since"].to_pylist()]
    return [(row[2], minute) for row, minute in zip(said(table), minutes, strict=True)]
