"""One folder of every layout there was, opened by today's program."""

from __future__ import annotations

import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.archive import open_archive
from passerelle.archive.folder import LAYOUT, read_layout
from passerelle.lake.contract import Selection
from passerelle.registry.asks import list_asks
from passerelle.registry.replies import list_replies

LAYOUTS = Path(__file__).parent / "layouts"


@pytest.mark.parametrize("layout", range(1, LAYOUT + 1))
def test_a_folder_of_each_layout_is_read(layout: int, tmp_path: Path) -> None:
    """It holds 20 days of nine quantities, of which one value was 1440 as known on 1 June 2018 and 1439 a day later.

    What came with later tables, such as asking publishers, is there and empty.
    """
    with tarfile.open(LAYOUTS / f"layout-{layout}.tar.gz") as kept:
        kept.extractall(tmp_path, filter="data")
    folder = tmp_path / f"layout{layout}"
    assert read_layout(folder) == layout
    with closing(open_archive(folder)) as archive:
        rows = archive.lake.read(Selection())
        history = archive.lake.history(Selection()).to_pylist()
        with archive.engine.connect() as connection:
            replies = list_replies(connection)
            assert list_asks(connection) == {}
        bodies = [archive.files.read(reply.sha256, reply.bytes) for reply in replies]
    assert (rows.num_rows, len(history)) == (180, 181)
    revised = [(row["known_since"], row["value"]) for row in history if row["value"] in (1440.0, 1439.0)]
    first, second = (datetime(2018, 6, day, tzinfo=UTC) for day in (1, 2))
    assert (first, 1440.0) in revised
    assert (second, 1439.0) in revised
    assert [(reply.rows, reply.recorded, reply.received) for reply in replies] == [
        (180, True, second),
        (180, True, first),
    ]
    assert [body.startswith(b"Postal code,date") for body in bodies] == [True, True]
    assert read_layout(folder) == LAYOUT
