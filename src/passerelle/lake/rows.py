"""What every engine checks of rows that come in, and how it reads a selection's times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from passerelle.lake.contract import Origin
from passerelle.model.errors import InvalidValueError
from passerelle.model.observation import OBSERVATION, TIME, VERSION

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of `moment`, which must have a zone.

    >>> to_microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if moment.tzinfo is None:
        raise InvalidValueError(f"{moment.isoformat()} has no time zone; one is required", where="time")
    return (moment - _EPOCH) // _MICROSECOND


def with_origin(rows: pa.Table, origin: Origin) -> pa.Table:
    """`rows` of schema `OBSERVATION` in schema `VERSION`."""
    known_since = np.full(rows.num_rows, to_microseconds(origin.known_since))
    source = np.full(rows.num_rows, origin.source, np.int64)
    return pa.table([*rows.columns, pa.array(known_since).view(TIME), pa.array(source)], schema=VERSION)


def check_rows(rows: pa.Table) -> pa.Table:
    """`rows` with one chunk a column, or `InvalidValueError` naming the first row that isn't an observation."""
    if rows.schema.names != OBSERVATION.names or rows.schema.types != OBSERVATION.types:
        raise InvalidValueError(
            f"rows have the columns {_describe(rows.schema)}; {_describe(OBSERVATION)} are needed", where="schema"
        )
    rows = rows.combine_chunks()
    for name in ("series", "start", "end"):
        if rows[name].null_count:
            _refuse(rows, np.asarray(pc.is_null(rows[name])), f"has no {name}")
    if rows.num_rows == 0:
        return rows
    start, end = _integers(rows, "start"), _integers(rows, "end")
    if (bad := start >= end).any():
        _refuse(rows, bad, "must start before it ends")
    value, reason = rows["value"], rows["reason"]
    if value.null_count or reason.null_count < rows.num_rows:
        bad = np.asarray(pc.equal(pc.is_null(value), pc.is_null(reason)))
        if bad.any():
            _refuse(rows, bad, "must have either a value or a reason for having none")
    numbers = value.chunk(0).drop_null().to_numpy(zero_copy_only=False)
    if not np.isfinite(numbers).all():
        _refuse(rows, np.asarray(pc.fill_null(pc.invert(pc.is_finite(value)), False)), "must have a finite value")
    return rows


def _integers(rows: pa.Table, name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]] = rows[name].chunk(0).view(pa.int64()).to_numpy()
    return numbers


def _refuse(rows: pa.Table, bad: np.ndarray[tuple[int], np.dtype[np.bool_]], rule: str) -> None:
    first = int(np.argmax(bad))
    came = rows.slice(first, 1).to_pylist()[0]
    shown = ", ".join(f"{name} {value}" for name, value in came.items())
    raise InvalidValueError(f"row {first} ({shown}) {rule}", where=f"row {first}")


def _describe(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)
