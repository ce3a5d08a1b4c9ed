"""A file of observations on its way to the lake: checked block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from passerelle.archive.admit import Progress
from passerelle.archive.rows import UNREADABLE, Checker
from passerelle.archive.tables import Block, read_blocks
from passerelle.model.errors import ReplyError
from passerelle.model.observation import OBSERVATION
from passerelle.model.series import Series
from passerelle.registry.replies import Counts

Refuse = Callable[[pa.Table, dict[str, int]], None]
Name = Callable[[Sequence[Series]], None]


class TableLoad:
    """The checked batches of one file, and what was counted on the way.

    Rows refused and series met go to `refuse` and `name` as they come up, so that a file of any
    size takes a block's memory. Doubles are looked for within a block; between blocks the later
    row supersedes, as it does in a batch that is posted.
    """

    def __init__(self, path: Path, content_type: str, checker: Checker, *, name: Name, refuse: Refuse) -> None:
        self._path, self._content_type, self._checker = path, content_type, checker
        self._name, self._refuse = name, refuse
        self._series: set[int] = set()
        self._places: set[str] = set()
        self._rows = self._refused = 0
        self.error: ReplyError | None = None

    def read(self, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        """The rows that may be admitted; an error that ends the file is in `error` too, whatever became of it."""
        size = self._path.stat().st_size
        try:
            for block in read_blocks(self._path, self._content_type):
                yield from self._check(block).to_batches()
                if progress is not None:
                    progress(int(block.done * size), size)
            if progress is not None:
                progress(size, size)
        except ReplyError as error:
            # The engine reads this in threads of its own and may give the error another face.
            self.error = error
            raise

    def reader(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
        """`batches` as the lake takes them."""
        return pa.RecordBatchReader.from_batches(OBSERVATION, batches)

    def count(self) -> Counts:
        """What came out of the file."""
        return Counts(self._rows, self._refused, len(self._places), len(self._series))

    def _check(self, block: Block) -> pa.Table:
        checked = self._checker.check(block.rows)
        self._note(checked.series)
        unreadable = block.unreadable.num_rows
        refused = pa.concat_tables([block.unreadable, checked.refused])
        if refused.num_rows:
            self._refuse(refused, {UNREADABLE: unreadable, **checked.kinds} if unreadable else checked.kinds)
        self._rows += checked.rows.num_rows
        self._refused += refused.num_rows
        return checked.rows

    def _note(self, series: Sequence[Series]) -> None:
        new = [one for one in series if one.number not in self._series]
        if new:
            self._name(new)
            self._series.update(one.number for one in new)
            self._places.update(one.place for one in new)
