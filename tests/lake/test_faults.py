"""A disk that fills, and a backlog that does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import open_lake
from passerelle.lake.testing.rows import origin_of, rows_of
from passerelle.model.errors import BacklogFullError, StorageFullError
from passerelle.model.observation import OBSERVATION, TIME

ROWS = 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB; mounting one takes root."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "passerelle", mount], check=True)
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def noise(series: int) -> pa.Table:
    """Rows that don't compress: 20,000 random numbers of one series."""
    start = pa.array(np.arange(ROWS) * 60_000_000).cast(TIME)
    end = pa.array(np.arange(1, ROWS + 1) * 60_000_000).cast(TIME)
    value = np.random.default_rng(series).random(ROWS)
    return pa.table([pa.array([series] * ROWS), start, end, value, pa.nulls(ROWS, pa.string())], schema=OBSERVATION)


@pytest.mark.parametrize("filing", [False, True])
def test_full_disk(small_disk: Path, filing: bool) -> None:
    """A full disk is told as such, wherever it fills; what was acknowledged is there then, and after room returns."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(40 << 20))
    lake = open_lake(small_disk / "lake")
    acknowledged: list[int] = []

    def fill() -> None:
        for series in range(1, 300):
            lake.append(noise(series), origin_of(f"{series}", 1))
            acknowledged.append(series)
            for _ in range(int(filing)):
                lake.flush()

    with pytest.raises(StorageFullError, match="disk"):
        fill()
    assert acknowledged
    with pytest.raises(StorageFullError):
        lake.load(pa.concat_tables([noise(series) for series in range(400, 490)]).to_reader(), origin_of("file", 1))
    rows = lake.coverage()
    assert rows["series"].to_pylist()[: len(acknowledged)] == acknowledged
    assert set(rows["rows"].to_pylist()) == {ROWS}
    ballast.unlink()
    lake.append(noise(500), origin_of("500", 1))
    lake.flush()
    lake.close()
    again = open_lake(small_disk / "lake")
    rows = again.coverage()
    assert rows["series"].to_pylist()[-1] == 500
    assert set(acknowledged) <= set(rows["series"].to_pylist())
    assert set(rows["rows"].to_pylist()) == {ROWS}
    again.close()


def test_full_backlog(tmp_path: Path) -> None:
    """Rows beyond the backlog are refused whole, and taken once those before are filed."""
    lake = open_lake(tmp_path, most_pending_rows=3)
    lake.append(rows_of((1, 0, 1.0), (1, 15, 2.0)), origin_of("a", 1))
    with pytest.raises(BacklogFullError, match="3 may wait"):
        lake.append(rows_of((1, 30, 3.0), (1, 45, 4.0)), origin_of("b", 2))
    lake.append(rows_of((1, 30, 3.0)), origin_of("c", 2))
    lake.flush()
    assert not lake.append(rows_of((1, 30, 3.5), (1, 45, 4.0)), origin_of("b", 3)).repeated
    assert lake.read(Selection())["value"].to_pylist() == [1.0, 2.0, 3.5, 4.0]
    lake.close()


def test_backlog_after_restart(tmp_path: Path) -> None:
    """A repeated key leaves the backlog as it was."""
    lake = open_lake(tmp_path, most_pending_rows=3)
    for _ in range(5):
        lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
    lake.append(rows_of((1, 0, 1.5), (1, 15, 2.0)), origin_of("b", 2))
    lake.close()
