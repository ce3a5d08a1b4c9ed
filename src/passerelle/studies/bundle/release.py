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
from passerelle.studies.bundle.bundle import FINDING, ROWS_FILE, TABLES, pack_bundle, unpack_bundle
from passerelle.studies.declared.declaration import feeds_of, read_study


def check_release(archive: Archive, finding: Mapping[str, Any]) -> None:
    """Raise `RedistributionError` where nothing derived from the finding's feeds may leave today."""
    for feed in _feeds_of(archive, finding):
        check_redistribution(feed, Leaving.DERIVED)


def may_release(archive: Archive, finding: Mapping[str, Any]) -> bool:
    """Whether what was derived from the finding's feeds may leave today; not where a feed's licence isn't known."""
    try:
        return all(may_leave(feed, Leaving.DERIVED) for feed in _feeds_of(archive, finding))
    except UnknownNameError:
        return False  # The feed has left the city file.


def _feeds_of(archive: Archive, finding: Mapping[str, Any]) -> list[Feed]:
    return [archive.get_feed(name) for name in feeds_of(read_study(finding["declaration"]["declaration"]))]


def release_bundle(archive: Archive, finding_id: str) -> bytes:
    """The finding's bundle as its feed is declared today; `RedistributionError` where nothing derived may leave.

    Where only what is derived may leave, the rows are taken out and what is left is signed again by this city.
    """
    with archive.engine.connect() as connection:
        kept = get_bundle(connection, finding_id)
    files = unpack_bundle(kept)
    finding = json.loads(files[FINDING])
    check_release(archive, finding)
    feeds = _feeds_of(archive, finding)
    if ROWS_FILE not in files or all(may_leave(feed, Leaving.ROWS) for feed in feeds):
        return kept
    kept_tables = {name: files[name] for name in TABLES if name in files and name != ROWS_FILE}
    return pack_bundle(finding, kept_tables, feeds, archive.key)
