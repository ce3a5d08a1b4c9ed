"""When files are rewritten, and what DuckLake itself doesn't guard."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from passerelle.lake.catalogue import Catalogue
from passerelle.lake.compaction import Compaction
from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import open_lake
from passerelle.lake.testing.rows import origin_of, rows_of

INSERT = """
    INSERT INTO lake.current
    SELECT s, make_timestamptz(s), make_timestamptz(s + 1), 1, NULL, make_timestamptz(0), 1 FROM range({}, {}) a(s)
"""


def count_files(folder: Path, table: str) -> int:
    """How many Parquet files of `table` lie in `folder`."""
    return len(list((folder / "data" / "main" / table).glob("*.parquet")))


def list_groups(folder: Path) -> list[list[int]]:
    """The rows of each row group of each file of `current`."""
    files = [pq.read_metadata(path) for path in (folder / "data" / "main" / "current").glob("*.parquet")]
    return [[file.row_group(number).num_rows for number in range(file.num_row_groups)] for file in files]


def test_ducklake_forgets_a_conflict_with_an_expired_snapshot(tmp_path: Path) -> None:
    """Why `Catalogue.rewriting` is held: once a merge's snapshot has expired, a deletion beside it is lost silently."""
    catalogue = Catalogue(tmp_path, threads=1, memory="256MB")
    with catalogue.cursor() as deleting, catalogue.cursor() as merging:
        for first in (0, 10):
            merging.execute(INSERT.format(first, first + 10))
        deleting.execute("BEGIN; DELETE FROM lake.current WHERE series = 5")
        merging.execute("CALL ducklake_merge_adjacent_files('lake', 'current')").to_arrow_table()
        merging.execute("UPDATE lake.progress SET turn = turn + 1")
        merging.execute("CALL ducklake_expire_snapshots('lake', older_than => now())").to_arrow_table()
        deleting.execute("COMMIT")
        assert deleting.execute("SELECT count(*) FROM lake.current").fetchall() == [(20,)]
    catalogue.close()


def test_small_files_are_merged_when_there_are_enough(tmp_path: Path) -> None:
    """31 small files are left alone; the 32nd makes them one, and the old ones are deleted."""
    catalogue = Catalogue(tmp_path, threads=1, memory="256MB")
    compaction = Compaction(catalogue)
    with catalogue.cursor() as cursor:
        for number in range(32):
            assert not compaction.run_due()
            cursor.execute(INSERT.format(number, number + 1))
        assert count_files(tmp_path, "current") == 32
        assert compaction.run_due()
        assert count_files(tmp_path, "current") == 1
        assert cursor.execute("SELECT count(*), sum(series) FROM lake.current").fetchall() == [(32, 496)]
    catalogue.close()


def test_filed_and_merged_row_groups(tmp_path: Path) -> None:
    """A folder that writes other row groups (one made before, or left amid a merge) writes these once it is opened."""
    catalogue = Catalogue(tmp_path, threads=1, memory="256MB")
    catalogue.set_group_rows("current", 4096)
    catalogue.close()
    catalogue = Catalogue(tmp_path, threads=1, memory="256MB")
    with catalogue.cursor() as cursor:
        for first in (0, 40_000):
            cursor.execute(INSERT.format(first, first + 40_000))
        assert list_groups(tmp_path) == [[32_768, 7_232]] * 2
        Compaction(catalogue).run()
        assert list_groups(tmp_path) == [[80_000]]
        cursor.execute(INSERT.format(80_000, 120_000))
    assert sorted(list_groups(tmp_path)) == [[32_768, 7_232], [80_000]]
    catalogue.close()


def test_sparse_files_are_rewritten(tmp_path: Path) -> None:
    """Compaction leaves no file of deleted positions where most rows of a file were revised."""
    lake = open_lake(tmp_path, compact_seconds=1e6)
    for value, count in ((1.0, 20), (2.0, 15)):
        lake.append(rows_of(*((1, 15 * number, value) for number in range(count))), origin_of(f"{value}", value))
        lake.flush()
    assert list(tmp_path.rglob("*-delete.parquet"))
    lake.compact()
    assert not list(tmp_path.rglob("*-delete.parquet"))
    assert lake.read(Selection())["value"].to_pylist() == [2.0] * 15 + [1.0] * 5
    lake.close()


def test_a_read_keeps_its_files(tmp_path: Path) -> None:
    """Files that a read under way may need are deleted by a later compaction, when it has ended."""
    catalogue = Catalogue(tmp_path, threads=1, memory="256MB")
    compaction = Compaction(catalogue)
    with catalogue.cursor() as cursor:
        for first in (0, 10):
            cursor.execute(INSERT.format(first, first + 10))
    with catalogue.reader() as reading:
        reading.execute("BEGIN")
        assert reading.execute("SELECT count(*) FROM lake.current").fetchall() == [(20,)]
        compaction.run()
        assert count_files(tmp_path, "current") == 3
        assert reading.execute("SELECT sum(series) FROM lake.current").fetchall() == [(190,)]
    compaction.run()
    assert count_files(tmp_path, "current") == 1
    catalogue.close()
