"""A disk that fills while the node takes posts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

DISK_MIB = 96
BATCH = 2000
BATCHES = 15


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MiB; mounting one takes root."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "passerelle", mount], check=True)
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def test_a_full_disk_loses_nothing(
    small_disk: Path, node_in: Callable[[Path], object], observation: Callable[[str, int], dict[str, object]]
) -> None:
    """On a full disk the node says 507 and goes on answering; with room again it takes posts, and has lost none."""
    node = node_in(small_disk / "city")
    node.start()
    series = node.register("full")

    def post(first: int) -> int:
        rows = [observation(series, hour) for hour in range(first, first + BATCH)]
        body = {"observations": rows}
        return httpx.post(f"{node.api}/observations", json=body, headers=node.headers, timeout=600).status_code

    assert post(0) == 201
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        os.posix_fallocate(file.fileno(), 0, max(free - 200_000, 1))
    statuses = [post(BATCH * number) for number in range(1, BATCHES)]
    assert statuses[-1] == 507
    assert set(statuses) <= {201, 507}
    assert httpx.get(f"{node.api}/series/{series}").status_code == 200
    filler.unlink()
    again = [
        first for first, status in zip(range(BATCH, BATCHES * BATCH, BATCH), statuses, strict=True) if status == 507
    ]
    assert {wait_for_room(post, first) for first in again} == {201}
    found = node.read_versions(series)
    assert found["hour"].sort().to_list() == list(range(BATCHES * BATCH))
    node.kill()
    node.start()
    assert node.read_versions(series)["hour"].sort().to_list() == list(range(BATCHES * BATCH))
    assert node.end() == 0


def wait_for_room(post: Callable[[int], int], first: int) -> int:
    """The status once the node has looked at the disk again; it looks about every second."""
    for _ in range(200):
        status = post(first)
        if status != 507:
            return status
    return status
