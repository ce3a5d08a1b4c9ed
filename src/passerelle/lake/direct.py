"""Reads of few rows straight from the row groups that hold them, without the engine.

The engine plans each query anew, and looks at the statistics of all of a file's row groups: for a year of one series
in a file of 100 million rows that is several times the work of reading it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from passerelle.lake.catalogue import Catalogue
from passerelle.lake.contract import Selection
from passerelle.lake.files import LISTED, DataFile, FileList, FileLists
from passerelle.lake.footers import Footer, Footers
from passerelle.lake.pending import Pending
from passerelle.lake.rows import to_microseconds
from passerelle.lake.settle import SUPERSEDED
from passerelle.model.observation import TIME, VERSION

_MOST_FILES = 64
_MOST_ROWS = 1 << 20
"""How much of a table is decoded here at most, for the sake of memory."""

_START_ROWS, _GROUP_ROWS = 400_000, 500
"""As many rows are decoded here in the time that the engine takes to begin (8 ms), and to look at a row group (12 us)
of a file it opens. Beyond that it is the faster."""


@dataclass(frozen=True, slots=True)
class Direct:
    """A selection's files, with the rows of the front that come in addition to theirs, under new keys."""

    selection: Selection
    files: FileList
    footers: Footers
    fresh: pa.Table

    def read(self, limit: int | None) -> pa.Table | None:
        """What the contract's `read` gives; None where too much would have to be decoded for it."""
        for part in [] if limit is None else self.files.list_parts(self.selection):
            rows = replace(self, selection=part).read_all()
            if rows is None or rows.num_rows >= (limit or 0):
                return None if rows is None else rows.slice(0, limit)
        rows = self.read_all()
        return None if rows is None else rows.slice(0, limit)

    def read_all(self) -> pa.Table | None:
        """`read` without a limit."""
        current = self._read_files("current", VERSION)
        superseded = SUPERSEDED.empty_table()
        if self.selection.as_known_at is not None:
            superseded = self._read_files("superseded", SUPERSEDED)
        if current is None or superseded is None:
            return None
        # Fresh rows were cut to a selection that may be wider than this one.
        fresh = self.fresh.filter(pa.array(_selected(self.fresh, self.selection)))
        rows = pa.concat_tables([current, fresh])
        if self.selection.as_known_at is not None:
            moment = pa.scalar(self.selection.as_known_at, TIME)
            superseded = superseded.filter(pc.greater(superseded["superseded_at"], moment))
            rows = pa.concat_tables([rows, superseded.select(VERSION.names)])
            rows = rows.filter(pc.less_equal(rows["known_since"], moment))
        return _ordered(rows.filter(pc.is_valid(rows["value"])) if rows["value"].null_count else rows)

    def _read_files(self, table: str, schema: pa.Schema) -> pa.Table | None:
        """The selected rows of `table`, in `schema`."""
        files = self.files.list_files(table, self.selection)
        if len(files) > _MOST_FILES or sum(file.deleted_rows for file in files) > _MOST_ROWS:
            return None
        footers = [self.footers.data.get(file.path) for file in files]
        chosen = [footer.list_groups(*_bounds(self.selection)) for footer in footers]
        rows = sum(int(footer.rows[groups].sum()) for footer, groups in zip(footers, chosen, strict=True))
        if rows > min(_MOST_ROWS, _START_ROWS + _GROUP_ROWS * sum(len(footer.rows) for footer in footers)):
            return None
        read = [
            self._read_groups(file, footer, groups, schema)
            for file, footer, groups in zip(files, footers, chosen, strict=True)
            if groups
        ]
        return pa.concat_tables([schema.empty_table(), *read])

    def _read_groups(self, file: DataFile, footer: Footer, groups: list[int], schema: pa.Schema) -> pa.Table:
        """The selected rows of some row groups that weren't deleted."""
        reasons = bool(footer.reasons[groups].any())
        names = [name for name in schema.names if reasons or name != "reason"]
        with pq.ParquetFile(file.path, metadata=footer.metadata) as parquet:
            # In this thread: handing columns to others pays for many times as much.
            rows = parquet.read_row_groups(groups, columns=names, use_threads=False)
        if not reasons:
            rows = rows.append_column("reason", pa.nulls(rows.num_rows, pa.string()))
        keep = _selected(rows, self.selection)
        if file.deleted is not None:
            keep[footer.locate(self.footers.deleted.get(file.deleted), groups)] = False
        # A copy, so that what was decoded with them is forgotten.
        return rows.select(schema.names).cast(schema).filter(pa.array(keep))


@contextmanager
def open_direct(
    catalogue: Catalogue, lists: FileLists, footers: Footers, pending: Pending, selection: Selection
) -> Iterator[Direct | None]:
    """The selected rows' files; None where only the engine can tell. `pending` must have been taken before."""
    if selection.series is None or len(selection.series) > LISTED:
        yield None
        return
    with catalogue.reading():
        files = lists.find()
        if files is None:
            yield None
            return
        sequence, _, loads = files.progress
        rows = pending.select(selection).rows_after(sequence, loads)
        yield None if rows.others.num_rows else Direct(selection, files, footers, rows.fresh)


def _selected(rows: pa.Table, selection: Selection) -> npt.NDArray[np.bool_]:
    """Which of `rows` are selected."""
    numbers, first, last = _bounds(selection)
    series = rows["series"].to_numpy()
    keep: npt.NDArray[np.bool_] = series == numbers[0] if len(numbers) == 1 else np.isin(series, numbers)
    if first is not None or last is not None:
        start = _integers(rows, "start")
        keep &= True if first is None else start >= first
        keep &= True if last is None else start < last
    return keep


def _bounds(selection: Selection) -> tuple[Sequence[int], int | None, int | None]:
    """The numbers of the series, and microseconds from which and before which rows start."""
    return (
        selection.series or (),
        None if selection.start is None else to_microseconds(selection.start),
        None if selection.end is None else to_microseconds(selection.end),
    )


def _ordered(rows: pa.Table) -> pa.Table:
    """`rows` by series and start."""
    order = np.lexsort((_integers(rows, "start"), rows["series"].to_numpy()))
    return rows if (np.diff(order) == 1).all() else rows.take(pa.array(order))


def _integers(rows: pa.Table, name: str) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = rows[name].cast(pa.int64()).to_numpy()
    return numbers
