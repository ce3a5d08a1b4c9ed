# ruff: noqa: S608 - the SQL below is put together from numbers and names in this file only.
"""Making few sorted files of many small ones, and dropping those no read needs any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb

from passerelle.lake.catalogue import GROUP_ROWS, TABLES, Catalogue
from passerelle.lake.faults import storage_faults

_TIERS = ((0, 16 << 20, 32), (16 << 20, 256 << 20, 8))
"""From and below how many bytes files are alike, and how many are worth merging: each row is rewritten twice."""

_SPARSE = 0.2
"""The share of deleted rows from which a file is written anew."""

_ATTEMPTS = 5

_LARGE_GROUP_ROWS = 122_880
"""Rows of a row group of `current` in a file that is written anew. A series' rows lie together there, and the footers
of 100 million rows in groups of `GROUP_ROWS` would fill most of what memory is given to footers."""


class Compaction:
    """Rewrites a lake's files; the rows stay what they are."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._ended = datetime(1970, 1, 1, tzinfo=UTC)

    def run(self) -> None:
        """Merge all files below the target size, sorted."""
        with self._catalogue.rewriting, storage_faults(str(self._catalogue.folder)):
            for table in TABLES:
                with self._large_groups(table):
                    self._rewrite(table)
                    self._call(f"ducklake_merge_adjacent_files('lake', '{table}')")
            self._clean()

    def run_due(self) -> bool:
        """Whether there were enough small files of a size to merge; they are merged then."""
        with self._catalogue.rewriting, storage_faults(str(self._catalogue.folder)):
            done = False
            for table in TABLES:
                due = [(least, most) for least, most, count in _TIERS if self._count(table, least, most) >= count]
                done = done or bool(due)
                if done:
                    with self._large_groups(table):
                        for least, most in due:
                            sizes = f"min_file_size => {least}, max_file_size => {most}"
                            self._call(f"ducklake_merge_adjacent_files('lake', '{table}', {sizes})")
                        self._rewrite(table)
            if done:
                self._clean()
            return done

    @contextmanager
    def _large_groups(self, table: str) -> Iterator[None]:
        """What is rewritten of `current` has large row groups; so has a file that is filed meanwhile."""
        try:
            self._catalogue.set_group_rows(table, _LARGE_GROUP_ROWS if table == "current" else GROUP_ROWS)
            yield
        finally:
            self._catalogue.set_group_rows(table, GROUP_ROWS)

    def _count(self, table: str, least: int, most: int) -> int:
        sql = f"""
            SELECT count(*) FROM ducklake_list_files('lake', '{table}')
            WHERE data_file_size_bytes >= {least} AND data_file_size_bytes < {most}"""
        with self._catalogue.cursor() as cursor:
            return int(cursor.execute(sql).fetchall()[0][0])

    def _rewrite(self, table: str) -> None:
        self._call(f"ducklake_rewrite_data_files('lake', '{table}', delete_threshold => {_SPARSE})")

    def _call(self, call: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._catalogue.transaction() as cursor:
                    cursor.execute(f"CALL {call}").to_arrow_table()
            except duckdb.TransactionException:
                # Rows were deleted meanwhile from a file that was being rewritten.
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _clean(self) -> None:
        """Delete files that no snapshot but older ones names, and no read under way can need.

        A read that began before the rewriting ended may need the files as they were; those are left for next time.
        """
        self._call("ducklake_expire_snapshots('lake', older_than => now())")
        ended = datetime.now(UTC)
        oldest = self._catalogue.oldest_read()
        before = ended if oldest is None else min(oldest, self._ended)
        self._call(f"ducklake_cleanup_old_files('lake', older_than => TIMESTAMPTZ '{before.isoformat()}')")
        self._ended = ended
