"""Making few sorted files of many small ones, and dropping those no read needs any more."""

from __future__ import annotations

import threading

import duckdb

from passerelle.lake.catalogue import Catalogue
from passerelle.lake.faults import storage_faults

TABLES = ("current", "superseded")


class Compaction:
    """Rewrites a lake's files; the rows stay what they are."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.lock = threading.Lock()
        """Held while files are replaced or deleted."""

    def run(self) -> None:
        """Rewrite what is small or sparse."""
        with self.lock, storage_faults(str(self._catalogue.folder)), self._catalogue.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"CALL ducklake_rewrite_data_files('lake', '{table}', delete_threshold => 0.1)")
                cursor.execute(f"CALL ducklake_merge_adjacent_files('lake', '{table}')")
            self._clean(cursor)

    def _clean(self, cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("CALL ducklake_expire_snapshots('lake', older_than => now() - INTERVAL 10 MINUTE)")
        cursor.execute("CALL ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL 10 MINUTE)")
