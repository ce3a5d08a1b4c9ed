"""What is done when a folder is opened: the front and the memory are brought in line with the lake's files."""

from __future__ import annotations

from passerelle.lake.catalogue import Catalogue, read_progress
from passerelle.lake.front import Front, Key
from passerelle.lake.latest import Latest
from passerelle.model.observation import VERSION


def recover_front(catalogue: Catalogue, front: Front) -> tuple[int, int]:
    """The sequence up to which the front is filed, and the number of loads.

    A process that stopped between the lake's commit and the front's left batches that are filed
    already, or a load whose key the front doesn't know.
    """
    with catalogue.cursor() as cursor:
        sequence, _, loads = read_progress(cursor)
        loaded = cursor.execute("SELECT key, digest, source, rows FROM lake.loaded").fetchall()
        # Files of a transaction that was never committed.
        cursor.execute("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)")
    known = front.find(row[0] for row in loaded)
    front.write([], [Key(*row) for row in loaded if row[0] not in known])
    front.drop(sequence)
    return sequence, loads


def read_latest(catalogue: Catalogue) -> Latest:
    """The latest values and horizons of everything filed; where the last key was withdrawn, the value is stale."""
    latest = Latest()
    with catalogue.reader() as cursor:
        # A join with the greatest starts reads half as much as the greatest row of each series does.
        rows = cursor.execute(
            "FROM lake.current SEMI JOIN (SELECT series, max(start) AS start FROM lake.current GROUP BY series) "
            "USING (series, start)"
        )
        latest.admit(rows.to_arrow_table().cast(VERSION))
    return latest
