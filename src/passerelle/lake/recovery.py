"""What is done when a folder is opened: the front and the memory are brought in line with the lake's files."""

from __future__ import annotations

import pyarrow as pa

from passerelle.lake.catalogue import Catalogue
from passerelle.lake.contract import Selection
from passerelle.lake.front import Front, Key
from passerelle.lake.latest import Latest
from passerelle.lake.pending import Pending
from passerelle.lake.query import open_source, read_progress, select_last


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
    """The latest values and horizons of everything filed."""
    latest = Latest()
    with open_source(catalogue, Pending(), Selection()) as source:
        latest.admit(select_last(source))
        horizons = source.cursor.execute("SELECT series, max(start) AS start FROM lake.current GROUP BY series")
        table = horizons.to_arrow_table()
    latest.raise_horizons(table["series"].to_numpy(), table["start"].cast(pa.int64()).to_numpy())
    return latest
