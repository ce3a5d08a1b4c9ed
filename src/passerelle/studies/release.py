"""A kept bundle as it may leave now: the one way out, since a licence may have changed after the bundle was made."""

from __future__ import annotations

import json

from passerelle.archive.archive import Archive
from passerelle.archive.redistribution import Leaving, check_redistribution, may_leave
from passerelle.registry.findings import get_bundle
from passerelle.studies.bundle import FINDING, MATRIX, ROWS_FILE, pack_bundle, unpack_bundle
from passerelle.studies.declaration import read_study


def release_bundle(archive: Archive, finding_id: str) -> bytes:
    """The finding's bundle as its feed is declared today; `RedistributionError` where nothing derived may leave.

    Where only what is derived may leave, the rows are taken out and what is left is signed again by this city.
    """
    with archive.engine.connect() as connection:
        kept = get_bundle(connection, finding_id)
    files = unpack_bundle(kept)
    finding = json.loads(files[FINDING])
    feed = archive.get_feed(read_study(finding["declaration"]["declaration"]).outcome.feed)
    check_redistribution(feed, Leaving.DERIVED)
    if ROWS_FILE not in files or may_leave(feed, Leaving.ROWS):
        return kept
    return pack_bundle(finding, files[MATRIX], None, feed, archive.key)
