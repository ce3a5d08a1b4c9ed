# ruff: noqa: S608 - the SQL below is put together from paths and names in this file only.
"""Which Parquet files hold a table's rows, so that a read of a few series can go to them without the engine's planning.

DuckLake looks its catalogue up anew for every query, which costs ten times what reading one series' rows does. The
list of files changes at commits only, and all commits are this process's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from passerelle.lake.catalogue import METADATA, TABLES, Catalogue, quoted, read_progress
from passerelle.lake.contract import Selection
from passerelle.lake.rows import to_microseconds

_SELECT = f"""
    SELECT t.table_name, f.path, d.data_file_id IS NOT NULL,
        TRY_CAST(series.min_value AS BIGINT), TRY_CAST(series.max_value AS BIGINT),
        epoch_us(TRY_CAST(start.min_value AS TIMESTAMPTZ)), epoch_us(TRY_CAST(start.max_value AS TIMESTAMPTZ))
    FROM {METADATA}.ducklake_data_file f
    JOIN {METADATA}.ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
    JOIN {METADATA}.ducklake_file_column_stats series ON series.data_file_id = f.data_file_id AND series.column_id = 1
    JOIN {METADATA}.ducklake_file_column_stats start ON start.data_file_id = f.data_file_id AND start.column_id = 2
    LEFT JOIN {METADATA}.ducklake_delete_file d ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL
    WHERE f.end_snapshot IS NULL AND t.table_name IN {TABLES}"""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file, the series and starts between which its rows lie, and whether some of them were deleted."""

    path: Path
    sparse: bool
    series: tuple[int, int]
    start: tuple[int, int]

    def may_hold(self, numbers: Sequence[int], first: int | None, last: int | None) -> bool:
        """Whether a row of series `numbers`, with a start from `first` to before `last`, can be in it."""
        if (first is not None and self.start[1] < first) or (last is not None and self.start[0] >= last):
            return False
        return any(self.series[0] <= number <= self.series[1] for number in numbers)


@dataclass(frozen=True, slots=True)
class FileList:
    """The files of both tables after so many `commits`, with the progress that the same snapshot shows."""

    commits: int
    progress: tuple[int, int, int]
    tables: Mapping[str, tuple[DataFile, ...]]

    def find(self, table: str, selection: Selection) -> list[Path] | None:
        """The files that may hold the selected rows of `table`; None where only the engine knows which are left."""
        if selection.series is None:
            return None
        found = [file for file in self.tables[table] if _may_hold(file, selection)]
        return None if any(file.sparse for file in found) else [file.path for file in found]

    def list_stops(self, selection: Selection) -> list[int]:
        """Microseconds before which ever more of the selection's files begin, fourfold each time."""
        begins = sorted(file.start[0] for files in self.tables.values() for file in files if _may_hold(file, selection))
        steps = (begins[4**step] for step in range(len(begins)) if 4**step < len(begins))
        return list(dict.fromkeys(steps))


def _may_hold(file: DataFile, selection: Selection) -> bool:
    first = None if selection.start is None else to_microseconds(selection.start)
    last = None if selection.end is None else to_microseconds(selection.end)
    return selection.series is None or file.may_hold(selection.series, first, last)


class FileLists:
    """Remembers the list of files until the next commit."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._last: FileList | None = None

    def find(self, cursor: duckdb.DuckDBPyConnection) -> FileList | None:
        """The list as it is now, or None while a commit is changing it."""
        commits = self._catalogue.commits()
        if commits is None:
            return None
        if self._last is not None and self._last.commits == commits:
            return self._last
        progress = read_progress(cursor)
        tables: dict[str, list[DataFile]] = {table: [] for table in TABLES}
        for table, name, sparse, *bounds in cursor.execute(_SELECT).fetchall():
            path = self._catalogue.folder / "data" / "main" / table / name
            tables[table].append(DataFile(path, sparse, (bounds[0], bounds[1]), (bounds[2], bounds[3])))
        if self._catalogue.commits() != commits:
            return None
        self._last = FileList(commits, progress, {table: tuple(files) for table, files in tables.items()})
        return self._last


def relation(paths: Sequence[Path]) -> str:
    """What a query reads the rows of `paths` from."""
    names = ", ".join(f"'{quoted(path)}'" for path in paths)
    return f"read_parquet([{names}])"
