# ruff: noqa: S608 - the SQL below is put together from paths and names in this file only.
"""Which Parquet files hold a table's rows, so that a read of a few series can go to them without the engine's planning.

DuckLake looks its catalogue up anew for every query, which costs ten times what reading one series' rows does. The
list of files changes at commits only, and all commits are this process's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passerelle.lake.catalogue import METADATA, TABLES, Catalogue, quoted, read_progress
from passerelle.lake.contract import Selection
from passerelle.lake.rows import to_microseconds

LISTED = 50
"""From more series than so many on, files aren't chosen by series."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SELECT = f"""
    SELECT t.table_name, f.path, d.path, coalesce(d.delete_count, 0),
        TRY_CAST(series.min_value AS BIGINT), TRY_CAST(series.max_value AS BIGINT),
        epoch_us(TRY_CAST(start.min_value AS TIMESTAMPTZ)), epoch_us(TRY_CAST(start.max_value AS TIMESTAMPTZ)),
        coalesce(reason.null_count = f.record_count, false)
    FROM {METADATA}.ducklake_data_file f
    JOIN {METADATA}.ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
    JOIN {METADATA}.ducklake_file_column_stats series ON series.data_file_id = f.data_file_id AND series.column_id = 1
    JOIN {METADATA}.ducklake_file_column_stats start ON start.data_file_id = f.data_file_id AND start.column_id = 2
    LEFT JOIN {METADATA}.ducklake_file_column_stats reason
        ON reason.data_file_id = f.data_file_id AND reason.column_id = 5
    LEFT JOIN {METADATA}.ducklake_delete_file d ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL
    WHERE f.end_snapshot IS NULL AND t.table_name IN {TABLES}"""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file, and the series and starts between which its rows lie; `deleted` names so many rows of it that
    were deleted, by their positions."""

    path: Path
    deleted: Path | None
    deleted_rows: int
    series: tuple[int, int]
    start: tuple[int, int]
    plain: bool
    """Whether no row has a reason."""

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

    def list_files(self, table: str, selection: Selection) -> list[DataFile]:
        """The files that may hold the selected rows of `table`."""
        return [file for file in self.tables[table] if _may_hold(file, selection)]

    def find(self, table: str, selection: Selection) -> list[DataFile] | None:
        """`list_files`; None where rows of theirs were deleted."""
        found = self.list_files(table, selection)
        return None if any(file.deleted for file in found) else found

    def list_parts(self, selection: Selection) -> list[Selection]:
        """Beginnings of a single series' selection, each of whose rows are in four times as many files at most."""
        if selection.series is None or len(set(selection.series)) != 1:
            return []
        begins = sorted(file.start[0] for files in self.tables.values() for file in files if _may_hold(file, selection))
        stops = (begins[4**step] for step in range(len(begins)) if 4**step < len(begins))
        return [replace(selection, end=_EPOCH + timedelta(microseconds=stop)) for stop in dict.fromkeys(stops)]


def _may_hold(file: DataFile, selection: Selection) -> bool:
    first = None if selection.start is None else to_microseconds(selection.start)
    last = None if selection.end is None else to_microseconds(selection.end)
    return selection.series is None or file.may_hold(selection.series, first, last)


class FileLists:
    """Remembers the list of files until the next commit."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._last: FileList | None = None

    def find(self) -> FileList | None:
        """The list as it is now, or None while a commit is changing it."""
        commits = self._catalogue.commits()
        if commits is None:
            return None
        if self._last is not None and self._last.commits == commits:
            return self._last
        with self._catalogue.cursor() as cursor:
            progress = read_progress(cursor)
            found = cursor.execute(_SELECT).fetchall()
        tables: dict[str, list[DataFile]] = {table: [] for table in TABLES}
        for table, name, deleted, deleted_rows, *bounds in found:
            folder = self._catalogue.folder / "data" / "main" / table
            removed = None if deleted is None else folder / deleted
            series, start = (bounds[0], bounds[1]), (bounds[2], bounds[3])
            tables[table].append(DataFile(folder / name, removed, deleted_rows, series, start, bounds[4]))
        if self._catalogue.commits() != commits:
            return None
        self._last = FileList(commits, progress, {table: tuple(files) for table, files in tables.items()})
        return self._last


def relation(files: Sequence[DataFile]) -> str:
    """What a query reads the rows of `files` from."""
    names = ", ".join(f"'{quoted(file.path)}'" for file in files)
    # A column of each of hundreds of files costs as much where it is empty.
    columns = "* REPLACE (NULL::VARCHAR AS reason)" if all(file.plain for file in files) else "*"
    return f"(SELECT {columns} FROM read_parquet([{names}]))"
