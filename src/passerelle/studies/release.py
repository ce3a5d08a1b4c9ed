"""A kept finding and its bundle as they may leave now: a licence may have changed after they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from passerelle.archive.archive import Archive
from passerelle.archive.redistribution import Leaving, check_redistribution, may_leave
from passerelle.feeds.feed import Feed
from passerelle.model.errors import UnknownNameError
from passerelle.registry.findings import get_bundle
from passerelle.studies.bundle import FINDING, MATRIX, ROWS_FILE, TRUST_FILE, pack_bundle, unpack_bundle
from passerelle.studies.declaration import read_study


def check_release(archive: Archive, finding: Mapping[str, Any]) -> None:
    """Raise `RedistributionError` where nothing derived from the finding's feed may leave today."""
    check_redistribution(_feed_of(archive, finding), Leaving.DERIVED)


def may_release(archive: Archive, finding: Mapping[str, Any]) -> bool:
    """Whether what was derived from the finding's feed may leave today; not where the feed's licence isn't known."""
    try:
        return may_leave(_feed_of(archive, finding), Leaving.DERIVED)
    except UnknownNameError:
        return False  # The feed has left the city file.


def _feed_of(archive: Archive, finding: Mapping[str, Any]) -> Feed:
    return archive.get_feed(read_study(finding["declaration"]["declaration"]).outcome.feed)


def release_bundle(archive: Archive, finding_id: str) -> bytes:
    """The finding's bundle as its feed is declared today; `RedistributionError` where nothing derived may leave.

    Where only what is derived may leave, the rows are taken out and what is left is signed again by this city.
    """
    with archive.engine.connect() as connection:
        kept = get_bundle(connection, finding_id)
    files = unpack_bundle(kept)
    finding = json.loads(files[FINDING])
    check_release(archive, finding)
    feed = _feed_of(archive, finding)
    if ROWS_FILE not in files or may_leave(feed, Leaving.ROWS):
        return kept
    kept_tables = {name: files[name] for name in (MATRIX, TRUST_FILE) if name in files}
    return pack_bundle(finding, kept_tables, feed, archive.key)
