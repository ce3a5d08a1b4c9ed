"""What becomes of rows that are written: versions, keys, withdrawals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from passerelle.lake.contract import Lake, Selection
from passerelle.lake.testing.fixtures import LakeFixtures
from passerelle.lake.testing.rows import at, origin_of, rows_of, said, said_since
from passerelle.model.errors import IdempotencyError, InvalidValueError
from passerelle.model.observation import OBSERVATION, VERSION


class WritingTests(LakeFixtures):
    """Rows in, by `append` and `load`."""

    def test_append_is_read_at_once(self, lake: Lake) -> None:
        """What was appended is read with its origin, in the schema of the model, ordered by series and start."""
        receipt = lake.append(rows_of((2, 0, 3.0), (1, 15, 2.0), (1, 0, 1.0)), origin_of("a", 100, source=7))
        assert (receipt.rows, receipt.repeated) == (3, False)
        table = lake.read(Selection())
        assert table.schema.equals(VERSION)
        assert said(table) == [(1, 0, 1.0), (1, 15, 2.0), (2, 0, 3.0)]
        assert table["source"].to_pylist() == [7, 7, 7]
        assert set(table["known_since"].to_pylist()) == {at(100)}
        assert table["end"].to_pylist() == [at(15), at(30), at(15)]

    def test_key_that_came_before(self, lake: Lake) -> None:
        """A key is admitted once, also when the rows under it are others and time has passed."""
        lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
        assert lake.append(rows_of((1, 0, 1.0)), origin_of("a", 2)).repeated
        lake.flush()
        assert lake.append(rows_of((1, 0, 1.0)), origin_of("a", 3)).repeated
        assert said_since(lake.history(Selection())) == [(1.0, 1)]

    def test_key_with_another_digest(self, lake: Lake) -> None:
        """The same key with another body is refused, and nothing of it kept."""
        lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
        with pytest.raises(IdempotencyError, match="'a'"):
            lake.append(rows_of((1, 0, 2.0)), origin_of("a", 2, digest=b"other"))
        with pytest.raises(IdempotencyError, match="'a'"):
            lake.load(rows_of((1, 0, 2.0)).to_reader(), origin_of("a", 2, digest=b"other"))
        assert said(lake.read(Selection())) == [(1, 0, 1.0)]

    def test_empty_key(self, lake: Lake) -> None:
        """An empty key stands for none: it never came before."""
        for known in (1, 2):
            receipt = lake.append(rows_of((1, 0, float(known))), replace(origin_of("", known), digest=bytes([known])))
            assert not receipt.repeated
        assert said_since(lake.history(Selection())) == [(1.0, 1), (2.0, 2)]

    def test_a_b_a_is_three_versions(self, lake: Lake, put: Callable[..., None]) -> None:
        """Content never decides: a value that returns is a revision like any other."""
        put(1, (1, 0, 4.0))
        put(2, (1, 0, 5.0))
        put(3, (1, 0, 4.0))
        assert said_since(lake.history(Selection())) == [(4.0, 1), (5.0, 2), (4.0, 3)]
        assert said(lake.read(Selection())) == [(1, 0, 4.0)]

    def test_repetition_adds_nothing(self, lake: Lake, put: Callable[..., None]) -> None:
        """A row that says what the version before it said keeps that one's `known_since`; another end is a revision."""
        put(1, (1, 0, 4.0), (1, 15, 5.0))
        put(2, (1, 0, 4.0), (1, 15, 5.0))
        assert said_since(lake.history(Selection())) == [(4.0, 1), (5.0, 1)]
        put(3, (1, 0, 4.0), length=30)
        assert said_since(lake.history(Selection())) == [(4.0, 1), (4.0, 3), (5.0, 1)]
        assert lake.read(Selection(end=at(15)))["end"].to_pylist() == [at(30)]

    def test_later_row_of_a_batch_supersedes(self, lake: Lake, put: Callable[..., None]) -> None:
        """Within a batch rows are taken in order: all that differ are versions, and the last is current."""
        put(1, (1, 0, 4.0), (2, 0, 9.0), (1, 0, 4.0), (1, 0, 5.0), (1, 0, 4.0))
        assert said(lake.read(Selection())) == [(1, 0, 4.0), (2, 0, 9.0)]
        assert said(lake.read(Selection(as_known_at=at(1)))) == [(1, 0, 4.0), (2, 0, 9.0)]
        assert said_since(lake.history(Selection([1]))) == [(4.0, 1), (5.0, 1), (4.0, 1)]

    def test_order_of_equal_known_since(self, lake: Lake, put: Callable[..., None]) -> None:
        """Versions known since the same instant stand in the order they came, and the last is as known then."""
        put(5, (1, 0, 1.0))
        put(5, (1, 0, 2.0))
        put(9, (1, 0, 9.0))
        put(5, (1, 0, 3.0))
        assert said_since(lake.history(Selection())) == [(1.0, 5), (2.0, 5), (3.0, 5), (9.0, 9)]
        assert said(lake.read(Selection(as_known_at=at(5)))) == [(1, 0, 3.0)]

    def test_withdrawal(self, lake: Lake, put: Callable[..., None]) -> None:
        """A withdrawn key is in `history` only, until a value returns."""
        put(1, (1, 0, 4.0), (1, 15, 5.0))
        put(2, (1, 15, "sensor failed"))
        assert said(lake.read(Selection())) == [(1, 0, 4.0)]
        assert said(lake.read(Selection(as_known_at=at(1)))) == [(1, 0, 4.0), (1, 15, 5.0)]
        assert said(lake.latest()) == [(1, 0, 4.0)]
        assert lake.coverage().to_pylist() == [{"series": 1, "first": at(0), "last": at(0), "rows": 1}]
        assert said_since(lake.history(Selection(start=at(15)))) == [(5.0, 1), ("sensor failed", 2)]
        put(3, (1, 15, 6.0))
        assert said(lake.latest()) == [(1, 15, 6.0)]

    def test_withdrawal_of_nothing(self, lake: Lake, put: Callable[..., None]) -> None:
        """A withdrawal adds nothing where no version is before it, even if one comes later in the order."""
        put(5, (1, 0, "never came"), (2, 0, "never came"), (2, 0, "nor again"), (2, 0, 8.0))
        assert said_since(lake.history(Selection())) == [(8.0, 5)]
        put(3, (2, 0, "too early"))
        assert said_since(lake.history(Selection())) == [(8.0, 5)]
        assert said(lake.latest()) == [(2, 0, 8.0)]

    def test_late_row_takes_its_place(self, lake: Lake, put: Callable[..., None]) -> None:
        """A row with an older `known_since` is judged against the version before it and changes no later one."""
        put(10, (1, 0, 1.0))
        put(30, (1, 0, 3.0))
        put(20, (1, 0, 2.0))
        put(20, (1, 0, 2.0))
        put(15, (1, 0, 1.0))
        put(25, (1, 0, 3.0))
        put(5, (1, 0, 0.5))
        history = [(0.5, 5), (1.0, 10), (2.0, 20), (3.0, 25), (3.0, 30)]
        assert said_since(lake.history(Selection())) == history
        known = {minute: said(lake.read(Selection(as_known_at=at(minute)))) for minute in (4, 5, 12, 22, 26, 31)}
        assert known == {
            4: [],
            5: [(1, 0, 0.5)],
            12: [(1, 0, 1.0)],
            22: [(1, 0, 2.0)],
            26: [(1, 0, 3.0)],
            31: [(1, 0, 3.0)],
        }
        assert said_since(lake.latest()) == [(3.0, 30)]

    def test_load_keeps_the_rules(self, lake: Lake, put: Callable[..., None]) -> None:
        """`load` revises, repeats, withdraws and takes late rows as `append` does."""
        put(10, (1, 0, 1.0), (1, 15, 2.0), (1, 30, 3.0), (1, 45, 4.0))
        batch = rows_of((1, 0, 1.0), (1, 15, 2.5), (1, 30, "gone"), (1, 60, 5.0), (1, 60, 5.5))
        receipt = lake.load(batch.to_reader(max_chunksize=2), origin_of("file", 20))
        assert (receipt.rows, receipt.repeated) == (5, False)
        lake.load(rows_of((1, 45, 3.5)).to_reader(), origin_of("older", 5))
        put(30, (1, 60, 5.0))
        assert said(lake.read(Selection())) == [(1, 0, 1.0), (1, 15, 2.5), (1, 45, 4.0), (1, 60, 5.0)]
        assert said_since(lake.history(Selection(start=at(15)))) == [
            (2.0, 10), (2.5, 20), (3.0, 10), ("gone", 20), (3.5, 5), (4.0, 10), (5.0, 20), (5.5, 20), (5.0, 30)
        ]  # fmt: skip
        assert said(lake.latest()) == [(1, 60, 5.0)]
        assert lake.load(batch.to_reader(), origin_of("file", 40)).repeated

    def test_load_that_breaks_off(self, lake: Lake) -> None:
        """A load whose source fails leaves nothing, and its key may come again."""

        def batches() -> Iterator[pa.RecordBatch]:
            yield from rows_of((1, 0, 1.0)).to_batches()
            raise OSError("the file ends early")

        with pytest.raises(OSError, match="ends early"):
            lake.load(pa.RecordBatchReader.from_batches(OBSERVATION, batches()), origin_of("file", 1))
        assert lake.history(Selection()).num_rows == 0
        assert not lake.load(rows_of((1, 0, 2.0)).to_reader(), origin_of("file", 2)).repeated
        assert said_since(lake.history(Selection())) == [(2.0, 2)]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"series": None}, "no series"),
            ({"end": at(0)}, "start before"),
            ({"value": None}, "a value or a reason"),
            ({"reason": "why"}, "a value or a reason"),
            ({"value": float("nan")}, "finite"),
            ({"value": float("inf")}, "finite"),
        ],
    )
    def test_rows_that_are_no_observations(self, lake: Lake, change: dict[str, object], said: str) -> None:
        """A batch with one bad row is refused whole, and the row is named."""
        rows = rows_of((1, 0, 1.0), (2, 0, 2.0)).to_pylist()
        rows[1] |= change
        table = pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in OBSERVATION]))
        with pytest.raises(InvalidValueError, match=f"row 1 .*{said}"):
            lake.append(table, origin_of("a", 1))
        with pytest.raises(InvalidValueError, match=f"row 1 .*{said}"):
            lake.load(table.to_reader(), origin_of("a", 1))
        assert lake.read(Selection()).num_rows == 0
        assert not lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1)).repeated

    def test_other_columns(self, lake: Lake) -> None:
        """A table of another schema is refused with what came and what is needed."""
        with pytest.raises(InvalidValueError, match="needed"):
            lake.append(rows_of((1, 0, 1.0)).drop_columns(["reason"]), origin_of("a", 1))

    def test_empty_batch(self, lake: Lake) -> None:
        """A batch without rows is admitted, and its key remembered."""
        assert lake.append(rows_of(), origin_of("a", 1)).rows == 0
        assert lake.append(rows_of(), origin_of("a", 1)).repeated
        lake.flush()
        assert lake.read(Selection()).num_rows == 0
