"""What publishers answer on a bad day, through the archive of a real city."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.archive import create_folder, open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.lake.contract import Selection
from passerelle.registry.replies import ReplyState, summarise_replies

HTML = b"<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head><body>Back soon.</body></html>"

FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda body: body[:0],
    "html with status 200": lambda _: HTML,
    "cut in half": lambda body: body[: len(body) // 2],
    "noise": lambda body: bytes(byte ^ 0x5A for byte in body[:20_000]),
}


@pytest.mark.parametrize("city", ["paris", "san-francisco", "reference"])
def test_a_bad_day_is_recorded(city: str, tmp_path: Path) -> None:
    """No answer, however broken, stops the node: each is admitted row by row or unreadable with its reason."""
    create_folder(tmp_path / city, city)
    states: dict[str, list[ReplyState]] = {name: [] for name in FAULTS}
    with closing(open_archive(tmp_path / city)) as archive:
        for bundle in {bundle.feed: bundle for bundle in archive.city.bundles}.values():
            body = find_data_file(bundle.path).read_bytes()
            for name, fault in FAULTS.items():
                reply = Reply(fault(body), datetime.now(UTC), name=Path(bundle.path).name)
                admission = archive.admit(archive.keep(bundle.feed, reply).reply_id)
                states[name].append(admission.state)
                assert (admission.reason is None) == (admission.state is ReplyState.ADMITTED)
        with archive.engine.connect() as connection:
            summary = summarise_replies(connection)
        # Rows of a table are admitted as far as it came; nothing else of these four answers is an observation.
        assert archive.lake.history(Selection()).num_rows <= sum(one.rows for one in summary.values())
    assert set(states["html with status 200"]) | set(states["empty"]) | set(states["noise"]) == {ReplyState.UNREADABLE}
