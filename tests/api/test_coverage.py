"""What the lake holds of each series, as it is remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from passerelle.api import coverage
from passerelle.api.coverage import Coverage, Remembered
from passerelle.archive import Archive, create_folder, open_archive
from passerelle.lake.testing.rows import origin_of, rows_of


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An empty Paris."""
    create_folder(tmp_path / "paris", "paris")
    archive = open_archive(tmp_path / "paris")
    yield archive
    archive.close()


def test_others_have_what_was_remembered_while_one_scans(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first scan is waited for; a later one by the asker that began it, and by nobody else."""
    monkeypatch.setattr(coverage, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(coverage, "_SHARE", 0)
    begun, may_end = threading.Event(), threading.Event()
    scans = iter([1, 2])

    def scan() -> pa.Table:
        number = next(scans)
        if number == 2:
            begun.set()
            assert may_end.wait(60)
        return pa.table({"scan": [number]})

    held = Remembered(archive, scan)
    assert held.read_all()["scan"].to_list() == [1]
    held.changed = True
    asker = threading.Thread(target=held.read_all)
    asker.start()
    assert begun.wait(60)
    assert held.read_all()["scan"].to_list() == [1]
    may_end.set()
    asker.join()
    assert held.read_all()["scan"].to_list() == [2]


def test_some_series_are_looked_up(archive: Archive) -> None:
    """Of the series asked for those that have rows are told, whatever the order and the repetitions."""
    archive.lake.append(rows_of((-5, 0, 1.0), (3, 0, 1.0), (8, 0, 1.0), (8, 15, 2.0)), origin_of("a", 20))
    found = Coverage(archive).read_some([8, 4, -5, 8, 9, -6])
    assert {number: row["rows"] for number, row in found.items()} == {-5: 1, 8: 2}
    assert Coverage(archive).read_some([]) == {}
