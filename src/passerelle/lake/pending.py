"""Rows that are durable in the front and not yet filed, as reads see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from passerelle.lake.contract import Selection
from passerelle.model.observation import TIME, VERSION

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Piece:
    """Batches of the front up to `sequence`; `fresh` marks rows whose key was new when they came."""

    sequence: int
    table: pa.Table
    fresh: Flags

    def joined(self, later: Piece) -> Piece:
        """This piece and the one right after it as one."""
        table = pa.concat_tables([self.table, later.table]).combine_chunks()
        return Piece(later.sequence, table, np.concatenate([self.fresh, later.fresh]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in order of arrival, in schema `VERSION`: those with surely new keys, and the others."""

    fresh: pa.Table
    others: pa.Table

    @property
    def count(self) -> int:
        """How many there are of both."""
        return int(self.fresh.num_rows + self.others.num_rows)


@dataclass(frozen=True, slots=True)
class Pending:
    """What is pending at one moment; `loads` counts the bulk loads up to it, by which `fresh` was judged."""

    pieces: tuple[Piece, ...] = ()
    loads: int = 0

    def select(self, selection: Selection) -> Pending:
        """The pieces cut down to the selected keys, empty ones left out."""
        if not self.pieces:
            return self
        wanted = None if selection.series is None else pa.array(sorted(set(selection.series)), pa.int64())
        cut = (_cut(piece, selection, wanted) for piece in self.pieces)
        return Pending(tuple(piece for piece in cut if piece.table.num_rows), self.loads)

    def rows_after(self, sequence: int, loads: int) -> Rows:
        """The rows of pieces after `sequence`, judged anew where a load came in between."""
        pieces = [piece for piece in self.pieces if piece.sequence > sequence]
        return split_rows(pieces, trusted=loads == self.loads)


def split_rows(pieces: Iterable[Piece], *, trusted: bool = True) -> Rows:
    """The rows of `pieces` by whether their keys are new; when not `trusted`, none is taken to be."""
    pieces = list(pieces)
    if not pieces:
        return Rows(VERSION.empty_table(), VERSION.empty_table())
    table = pa.concat_tables([piece.table for piece in pieces])
    fresh = np.concatenate([piece.fresh for piece in pieces]) if trusted else np.zeros(table.num_rows, np.bool_)
    if fresh.all():
        return Rows(table, VERSION.empty_table())
    if not fresh.any():
        return Rows(VERSION.empty_table(), table)
    # A later row of the same key may not be judged apart from the fresh one.
    others = table.filter(pa.array(~fresh))
    keys = others.select(["series", "start"]).group_by(["series", "start"]).aggregate([])
    at = pa.array(np.arange(table.num_rows))
    numbered = table.select(["series", "start"]).append_column("at", at).filter(pa.array(fresh))
    met = numbered.join(keys, ["series", "start"], join_type="left semi")["at"].to_numpy()
    fresh[met] = False
    return Rows(table.filter(pa.array(fresh)), table.filter(pa.array(~fresh)))


def _cut(piece: Piece, selection: Selection, wanted: pa.Array | None) -> Piece:
    table = piece.table
    keep = None
    if wanted is not None:
        one = len(wanted) == 1
        keep = pc.equal(table["series"], wanted[0]) if one else pc.is_in(table["series"], value_set=wanted)
    if selection.start is not None:
        keep = _both(keep, pc.greater_equal(table["start"], pa.scalar(selection.start, TIME)))
    if selection.end is not None:
        keep = _both(keep, pc.less(table["start"], pa.scalar(selection.end, TIME)))
    if keep is None:
        return piece
    return Piece(piece.sequence, table.filter(keep), piece.fresh[keep.to_numpy()])


def _both(first: pa.ChunkedArray | None, second: pa.ChunkedArray) -> pa.ChunkedArray:
    return second if first is None else pc.and_(first, second)
