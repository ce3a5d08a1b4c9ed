"""Reads that go round the engine give what it gives, and nothing of files that are no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from passerelle.lake import direct
from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import DuckLakeStore, open_lake
from passerelle.lake.footers import Remembered, read_footer, read_positions
from passerelle.lake.testing.rows import at, origin_of, rows_of, said
from passerelle.model.observation import TIME, VERSION


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[DuckLakeStore]:
    """An empty lake that files and compacts when told to."""
    lake = open_lake(tmp_path / "lake", flush_seconds=1e6, compact_seconds=1e6)
    yield lake
    lake.close()


def write(path: Path, *rows: tuple[int, int], reason: str | None = None, size: int = 1) -> None:
    """A Parquet file of (series, start in microseconds), each 2,048 times, in row groups of `size` of them."""
    # DuckDB makes no smaller ones.
    copies = [row for row in rows for _ in range(2048)]
    starts = pa.array([start for _, start in copies]).cast(TIME)
    entering = pa.table(
        {
            "series": [series for series, _ in copies],
            "start": starts,
            "end": starts,
            "value": [1.0] * len(copies),
            "reason": pa.array([reason] * len(copies), pa.string()),
            "known_since": starts,
            "source": [1] * len(copies),
        }
    )
    duckdb.from_arrow(entering).write_parquet(str(path), row_group_size=2048 * size)


def test_row_groups_are_chosen_by_their_bounds(tmp_path: Path) -> None:
    """A row group is read if one of the series lies within its bounds, and the time does."""
    write(tmp_path / "a.parquet", (-5, 100), (3, 100), (7, 100), (7, 200))
    footer = read_footer(tmp_path / "a.parquet")
    assert footer.rows.tolist() == [2048] * 4
    assert footer.list_groups([3], None, None) == [1]
    assert footer.list_groups([7, -5], None, None) == [0, 2, 3]
    assert footer.list_groups([7], 101, None) == [3]
    assert footer.list_groups([7], 100, 200) == [2]
    assert footer.list_groups([4, 8, -6], None, None) == []
    assert footer.list_groups([], None, None) == []
    write(tmp_path / "b.parquet", (1, 0), (4, 0), (6, 0), (9, 0), size=2)
    assert read_footer(tmp_path / "b.parquet").list_groups([3, 5], None, None) == [0]


def test_deleted_rows_are_located(tmp_path: Path) -> None:
    """Positions count from the file's first row; rows of the chosen row groups from the first of those."""
    write(tmp_path / "a.parquet", (1, 0), (2, 0), (3, 0))
    footer = read_footer(tmp_path / "a.parquet")
    positions = np.array([0, 2047, 2048, 4100, 6143])
    assert footer.locate(positions, [0]).tolist() == [0, 2047]
    # The third group begins at 4,096, and comes after 2,048 rows of the first.
    assert footer.locate(positions, [0, 2]).tolist() == [0, 2047, 2048 + 4, 4095]


def test_reasons_are_read_where_there_are_any(tmp_path: Path) -> None:
    """The footer tells row groups with reasons from those without."""
    write(tmp_path / "a.parquet", (1, 0), (2, 0))
    write(tmp_path / "b.parquet", (1, 0), (2, 0), reason="broken")
    assert read_footer(tmp_path / "a.parquet").reasons.tolist() == [False, False]
    assert read_footer(tmp_path / "b.parquet").reasons.tolist() == [True, True]


def test_a_file_in_another_s_place_is_read_anew(tmp_path: Path) -> None:
    """A footer is that of the file which is there; where none is, none is given."""
    path = tmp_path / "a.parquet"
    footers = Remembered(read_footer, 1 << 20)
    write(path, (1, 0))
    first = footers.get(path)
    assert footers.get(path) is first
    write(tmp_path / "b.parquet", (2, 0))
    (tmp_path / "b.parquet").replace(path)
    assert footers.get(path).series[0].tolist() == [2]
    path.unlink()
    with pytest.raises(FileNotFoundError):
        footers.get(path)


def test_memory_is_bounded(tmp_path: Path) -> None:
    """What was asked for longest ago is forgotten; what alone exceeds the bound is given, and not kept."""
    for number in range(3):
        pq.write_table(pa.table({"pos": [number] * 100}), tmp_path / f"{number}.parquet")
    # 100 positions of 8 bytes each.
    deleted = Remembered(read_positions, 1_700)
    first = deleted.get(tmp_path / "0.parquet")
    deleted.get(tmp_path / "1.parquet")
    assert deleted.get(tmp_path / "0.parquet") is first
    assert deleted.nbytes == 1_600
    deleted.get(tmp_path / "2.parquet")
    assert deleted.nbytes == 1_600
    assert deleted.get(tmp_path / "0.parquet") is first
    small = Remembered(read_positions, 700)
    assert len(small.get(tmp_path / "0.parquet")) == 100
    assert small.nbytes == 0


def test_reads_after_files_were_rewritten(lake: DuckLakeStore) -> None:
    """Revisions and compaction replace files that were read before; reads tell of the new ones alone."""
    lake.append(rows_of(*((1, 15 * number, 1.0) for number in range(8))), origin_of("a", 1))
    lake.flush()
    assert lake.read(Selection([1]))["value"].to_pylist() == [1.0] * 8
    lake.append(rows_of((1, 0, 2.0), (1, 30, 2.0)), origin_of("b", 2))
    lake.flush()
    expected = [2.0, 1.0, 2.0, *[1.0] * 5]
    assert lake.read(Selection([1]))["value"].to_pylist() == expected
    for _ in range(2):
        lake.compact()
        assert lake.read(Selection([1]))["value"].to_pylist() == expected
        assert lake.read(Selection([1], as_known_at=at(1)))["value"].to_pylist() == [1.0] * 8


@pytest.mark.parametrize("filed", [False, True])
def test_the_engine_gives_the_same(
    lake: DuckLakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filed: bool
) -> None:
    """Revised, withdrawn, late, deleted and pending rows read alike where files are too many to be read directly."""
    lake.append(rows_of(*((series, 15 * number, 1.0) for series in (1, 2) for number in range(20))), origin_of("a", 5))
    lake.flush()
    lake.append(rows_of((1, 0, 2.0), (2, 15, "broken"), (2, 30, 3.0)), origin_of("b", 9))
    lake.flush()
    lake.append(rows_of((1, 0, 0.5), (1, 45, 0.5)), origin_of("late", 3))
    lake.flush()
    lake.append(rows_of((1, 600, 7.0), (3, 0, 7.0)), origin_of("c", 12))
    if filed:
        lake.flush()
    assert list(tmp_path.rglob("*-delete.parquet"))
    selections = [
        Selection(series, start, end, known)
        for series in ([1], [2], [1, 3], [1, 2, 3], [])
        for start, end in ((None, None), (at(15), at(310)), (None, at(600)), (at(600), None))
        for known in (None, *map(at, (2, 3, 5, 9, 20)))
    ]
    limits = (None, 1, 5)
    directly = [lake.read(selection, limit) for selection in selections for limit in limits]
    monkeypatch.setattr(direct, "_MOST_FILES", -1)
    by_engine = [lake.read(selection, limit) for selection in selections for limit in limits]
    assert directly == by_engine
    assert directly[0].schema == VERSION
    assert said(directly[0])[:2] == [(1, 0, 2.0), (1, 15, 1.0)]
