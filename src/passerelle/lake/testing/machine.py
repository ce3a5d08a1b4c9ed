"""A random run of an engine beside the reference: after every step both give the same answers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from passerelle.lake.contract import Lake, Selection
from passerelle.lake.memory import MemoryLake
from passerelle.lake.testing.rows import PARIS, Row, at, origin_of, rows_of
from passerelle.model.quantity import Statistic

_ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 4).map(lambda step: 15 * step),
        st.one_of(st.sampled_from([1.0, 2.0]), st.sampled_from(["withdrawn", "failed"])),
    ),
    max_size=6,
)
_MINUTES = st.integers(0, 8)


class LakeMachine(RuleBasedStateMachine):
    """Subclass it with `open_lake`, as for `LakeTests`."""

    open_lake: Callable[[Path], Lake]

    @initialize()
    def begin(self) -> None:
        """Both lakes are empty."""
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "lake"
        self.folder.mkdir()
        self.lake = type(self).open_lake(self.folder)
        self.reference = MemoryLake()
        self.keys = 0

    def teardown(self) -> None:
        """Nothing of the run is left."""
        self.lake.close()
        shutil.rmtree(self.root)

    @rule(known=_MINUTES, rows=_ROWS, length=st.sampled_from([15, 30]))
    def append(self, known: int, rows: list[Row], length: int) -> None:
        """A new batch, in or out of order."""
        self.keys += 1
        origin = origin_of(f"key {self.keys}", known, source=self.keys)
        batch = rows_of(*rows, length=length)
        assert self.lake.append(batch, origin) == self.reference.append(batch, origin)

    @rule(known=_MINUTES, rows=_ROWS)
    def load(self, known: int, rows: list[Row]) -> None:
        """A bulk import."""
        self.keys += 1
        origin, batch = origin_of(f"key {self.keys}", known, source=self.keys), rows_of(*rows)
        assert self.lake.load(batch.to_reader(), origin) == self.reference.load(batch.to_reader(), origin)

    @rule(rows=_ROWS, key=st.integers(1, 30))
    def append_again(self, rows: list[Row], key: int) -> None:
        """A key that may have come before."""
        self.keys = max(self.keys, key)
        origin, batch = origin_of(f"key {key}", 3), rows_of(*rows)
        receipts = self.lake.append(batch, origin), self.reference.append(batch, origin)
        assert receipts[0].repeated == receipts[1].repeated

    @rule()
    def flush(self) -> None:
        """Pending rows are filed."""
        self.lake.flush()

    @rule()
    def compact(self) -> None:
        """Files are rewritten."""
        self.lake.compact()

    @rule()
    def reopen(self) -> None:
        """The lake is closed and opened."""
        self.lake.close()
        self.lake = type(self).open_lake(self.folder)

    @rule(series=st.lists(st.integers(1, 4), max_size=3), first=_MINUTES, last=_MINUTES, known=_MINUTES)
    def read_some(self, series: list[int], first: int, last: int, known: int) -> None:
        """Some series, between some times, as known at some time."""
        selection = Selection(series, at(15 * first), at(15 * last), at(known))
        assert self.lake.read(selection).equals(self.reference.read(selection))
        assert self.lake.history(selection).equals(self.reference.history(selection))
        assert self.lake.latest(selection).equals(self.reference.latest(selection))

    @rule(known=st.none() | _MINUTES, by_series=st.booleans(), limit=st.integers(0, 8))
    def aggregate(self, known: int | None, by_series: bool, limit: int) -> None:
        """All series, pooled; halves and wholes add up exactly, so results are equal to the bit."""
        selection = Selection(as_known_at=None if known is None else at(known))
        pooled = [
            lake.aggregate(selection, "PT30M", Statistic.SUM, zone=PARIS, by_series=by_series)
            for lake in (self.lake, self.reference)
        ]
        assert pooled[0].equals(pooled[1])
        assert self.lake.read(selection, limit).equals(self.reference.read(selection, limit))

    @rule(series=st.integers(1, 4), first=st.none() | _MINUTES, known=st.none() | _MINUTES, limit=st.integers(1, 8))
    def read_first(self, series: int, first: int | None, known: int | None, limit: int) -> None:
        """The first few rows of one series, from some time on, as known at some time."""
        since = None if first is None else at(15 * first)
        selection = Selection([series], since, as_known_at=None if known is None else at(known))
        assert self.lake.read(selection, limit).equals(self.reference.read(selection, limit))

    @invariant()
    def same_answers(self) -> None:
        """History, latest and coverage agree."""
        assert self.lake.history(Selection()).equals(self.reference.history(Selection()))
        assert self.lake.latest().equals(self.reference.latest())
        assert self.lake.coverage().equals(self.reference.coverage())
