"""Batches that senders post: every row is checked against its series, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from passerelle.archive.admission import Sender
from passerelle.archive.limits import AHEAD, Fault, Limits, Rows
from passerelle.model.errors import InvalidValueError, RefusedRowsError, RowFault
from passerelle.model.observation import OBSERVATION
from passerelle.model.quantity import get_quantity
from passerelle.model.series import format_series_id

SHOWN = 20
"""Faulty rows that an answer lists; the number of all is in its message."""

_FIELD = {
    Fault.UNKNOWN_SERIES: "series",
    Fault.OTHER_FEED: "series",
    Fault.NEITHER_VALUE_NOR_REASON: "reason",
    Fault.VALUE_AND_REASON: "reason",
    Fault.EMPTY_INTERVAL: "end",
    Fault.WRONG_LENGTH: "end",
    Fault.OUT_OF_CALENDAR: "start",
    Fault.AHEAD: "start",
    Fault.NOT_FINITE: "value",
    Fault.OUT_OF_BOUNDS: "value",
}


@dataclass(frozen=True, slots=True)
class One:
    """A single observation, times in microseconds since 1970."""

    series: int
    start: int
    end: int
    value: float | None
    reason: str | None


def check_batch(rows: pa.Table, limits: Limits, sender: Sender, now: datetime) -> None:
    """Raise `RefusedRowsError` with the first faulty rows, each with what came, what was allowed and where."""
    if not rows.schema.equals(OBSERVATION):
        raise InvalidValueError(
            f"rows have the columns {_describe(rows.schema)}; {_describe(OBSERVATION)} are needed", where="schema"
        )
    faults = limits.check(to_rows(rows), now, sender.feed)
    if faults is not None:
        bad = np.flatnonzero(faults)
        shown = [_explain(rows, int(at), Fault(int(faults[at])), limits, sender, now) for at in bad[:SHOWN]]
        raise RefusedRowsError(bad.size, rows.num_rows, shown)


def to_rows(rows: pa.Table) -> Rows:
    """The arrays of a table of schema `OBSERVATION`, not copied where they are whole."""
    rows = rows.combine_chunks()
    value, reason = rows["value"], rows["reason"]
    return Rows(
        series=_integers(rows["series"]),
        start=_integers(rows["start"]),
        end=_integers(rows["end"]),
        value=np.asarray(value, np.float64),
        empty=np.asarray(value.is_null(), np.bool_) if value.null_count else None,
        reasoned=np.asarray(reason.is_valid(), np.bool_) if reason.null_count < rows.num_rows else None,
    )


def to_table(observations: Sequence[One]) -> pa.Table:
    """A table of schema `OBSERVATION`."""
    names = ("series", "start", "end", "value", "reason")
    return pa.table([[getattr(one, name) for one in observations] for name in names], schema=OBSERVATION)


def _integers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    array = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    integers: npt.NDArray[np.int64] = array.view(pa.int64()).to_numpy(zero_copy_only=False)
    return integers


def _show_time(microseconds: int) -> str:
    # NumPy's calendar has no end, and what came may lie beyond Python's.
    return f"{np.datetime64(microseconds, 'us')}Z"


def _describe(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _explain(rows: pa.Table, at: int, fault: Fault, limits: Limits, sender: Sender, now: datetime) -> RowFault:
    row = {name: rows[name][at].as_py() for name in ("series", "value", "reason")}
    row |= {name: _show_time(rows[name][at].value) for name in ("start", "end")}
    where = f"observations[{at}].{_FIELD[fault]}"
    series = format_series_id(row["series"]) if row["series"] >= 0 else str(row["series"])
    if fault is Fault.UNKNOWN_SERIES:
        return RowFault(where, series, f"a series of feed {sender.feed!r}; register it first")
    place = int(np.searchsorted(limits.numbers, row["series"]))
    if fault is Fault.OTHER_FEED:
        return RowFault(where, f"{series} of feed {limits.feeds[limits.feed[place]]!r}", f"series of {sender.feed!r}")
    quantity = get_quantity(limits.quantities[place])
    came = row[_FIELD[fault]]
    allowed = {
        Fault.NEITHER_VALUE_NOR_REASON: "a value, or a reason for having none",
        Fault.VALUE_AND_REASON: "a reason only where there is no value",
        Fault.EMPTY_INTERVAL: f"later than start, {row['start']}",
        Fault.WRONG_LENGTH: f"start + {quantity.interval or 'at most ten years'}, which {quantity.name} is stated for",
        Fault.OUT_OF_CALENDAR: "1800 to 2200",
        Fault.AHEAD: f"at most {AHEAD // 60_000_000} minutes after {now.isoformat()}",
        Fault.NOT_FINITE: "a finite number",
        Fault.OUT_OF_BOUNDS: f"{quantity.lower:g} to {quantity.upper:g} {quantity.unit} ({quantity.name})",
    }
    return RowFault(where, str(came), allowed[fault])
