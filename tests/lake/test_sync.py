"""What the engine brings to the disk, and when."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from passerelle.lake.contract import Origin
from passerelle.lake.ducklake import open_lake
from passerelle.model.observation import OBSERVATION


def _rows(first: int) -> pa.Table:
    starts = [datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(10)]
    ends = [datetime(2024, 1, 1, hour + 1, tzinfo=UTC) for hour in range(10)]
    return pa.table([[first] * 10, starts, ends, [1.0] * 10, [None] * 10], schema=OBSERVATION)


def test_files_are_on_the_disk_before_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Parquet file was synced, after flushes, a load and a compaction: a power cut leaves no cut file behind."""
    synced: set[str] = set()
    real = os.fsync

    def watch(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    lake = open_lake(tmp_path / "lake")
    for number in range(3):
        lake.append(_rows(number), Origin(1, datetime.now(UTC), f"a{number}", b""))
        lake.flush()
    lake.load(_rows(9).to_reader(), Origin(1, datetime.now(UTC), "b", b""))
    before = {path.name for path in (tmp_path / "lake" / "data").rglob("*.parquet")}
    lake.compact()
    lake.close()
    after = {path.name for path in (tmp_path / "lake" / "data").rglob("*.parquet")}
    assert len(before) == 4
    assert len(after - before) == 1
    assert before | after <= synced
