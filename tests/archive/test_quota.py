"""Retention of replies' bytes, and the disk's end seen before it is reached."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from passerelle.archive import Admission, Archive, create_folder, open_archive
from passerelle.archive import quota as quotas
from passerelle.archive.quota import Retention, drop_old_bytes
from passerelle.feeds.city import read_city
from passerelle.feeds.feed import Reply
from passerelle.lake.contract import Selection
from passerelle.model.errors import InvalidValueError, ReplyError, StorageFullError
from passerelle.registry.events import list_events
from passerelle.registry.replies import StoredReply, list_replies

NOW = datetime.now(UTC)
LINE = "rivoli|bicycle_count|2021-03-01T08:00:00Z|{}|"
DISK_MIB = 48
Make = Callable[..., Reply]
Admit = Callable[..., Admission]


def limit(archive: Archive, **parameters: object) -> object:
    return replace(archive.get_feed("open"), parameters=parameters)


def list_kept(archive: Archive) -> list[StoredReply]:
    with archive.engine.connect() as connection:
        return list_replies(connection, feed="open")[::-1]


def test_bytes_are_kept_for_ever_by_default(archive: Archive, admit: Admit) -> None:
    """A feed that says nothing loses nothing, however old."""
    admit(LINE.format(1))
    assert archive.drop_old_bytes() == 0
    assert drop_old_bytes(archive.engine, archive.files, archive.get_feed("open"), NOW + timedelta(days=9999)) == 0


def test_old_bytes_go_and_their_rows_stay(archive: Archive, admit: Admit) -> None:
    """After its days a reply's bytes are gone on a said date; its row and its observations are not."""
    for value in (1, 2):
        admit(LINE.format(value))
    later = NOW + timedelta(days=31)
    assert drop_old_bytes(archive.engine, archive.files, limit(archive, keep_days=30), later) == 2
    assert [one.dropped for one in list_kept(archive)] == [later, later]
    assert list(archive.files.list_hashes()) == []
    assert archive.lake.history(Selection()).num_rows == 2
    first = list_kept(archive)[0]
    with pytest.raises(ReplyError, match=first.sha256):
        archive.files.read(first.sha256, first.bytes)
    assert drop_old_bytes(archive.engine, archive.files, limit(archive, keep_days=30), later) == 0


def test_the_oldest_bytes_go_first(archive: Archive, admit: Admit) -> None:
    """Beyond its bytes a feed loses the oldest replies' until the rest fits."""
    for value in range(4):
        admit(LINE.format(value))
    sizes = [one.stored_bytes for one in list_kept(archive)]
    room = sum(sizes[2:])
    assert drop_old_bytes(archive.engine, archive.files, limit(archive, keep_bytes=room), NOW) == 2
    assert [one.dropped is None for one in list_kept(archive)] == [False, False, True, True]


def test_bytes_that_another_reply_needs_stay(archive: Archive, admit: Admit) -> None:
    """Of A, B, A the first drops its bytes in name: the file is the third's too."""
    for value in (1, 2, 1):
        admit(LINE.format(value))
    stored = list_kept(archive)
    room = stored[1].stored_bytes + stored[2].stored_bytes
    assert drop_old_bytes(archive.engine, archive.files, limit(archive, keep_bytes=room), NOW) == 1
    assert archive.files.read(stored[2].sha256, stored[2].bytes)


def test_a_reply_that_waits_keeps_its_bytes(archive: Archive, reply: Make) -> None:
    """What was not admitted yet isn't dropped, whatever its age."""
    archive.keep("open", reply(LINE.format(1)))
    later = NOW + timedelta(days=9999)
    assert drop_old_bytes(archive.engine, archive.files, limit(archive, keep_days=1), later) == 0


@pytest.mark.parametrize("value", [0, -1, "30", 1.5])
def test_a_strange_retention_is_refused(city_file: Path, value: object) -> None:
    """What isn't a number of days or bytes says so instead of dropping."""
    with pytest.raises(InvalidValueError, match="keep_days"):
        Retention.of(replace(read_city(city_file).feeds[0], parameters={"keep_days": value}))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB; mounting one takes root, as CI has it."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "passerelle", mount], check=False, capture_output=True
    )
    if done.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI may mount a small disk, but: {done.stderr.decode()}")
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode()}")
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def fill(disk: Path, leave: int) -> Path:
    filler = disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        os.posix_fallocate(file.fileno(), 0, free - leave)
    return filler


def test_a_filling_disk(small_disk: Path, city_file: Path, reply: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the alarm, then refusal while room is left; freed again, all goes on and nothing accepted is lost."""
    monkeypatch.setattr(quotas, "_LOOK_EVERY_S", 0.0)
    create_folder(small_disk / "city", city_file)
    with closing(open_archive(small_disk / "city")) as archive:
        archive.admit(archive.keep("open", reply(LINE.format(1))).reply_id)
        # 48 MiB: the alarm stands at a twentieth, 2.4 MiB, the reserve at an eightieth, 0.6 MiB.
        filler = fill(small_disk, leave=1_500_000)
        assert archive.disk.look().alarm
        archive.admit(archive.keep("open", reply(LINE.format(2))).reply_id)
        filler.unlink()
        filler = fill(small_disk, leave=300_000)
        with pytest.raises(StorageFullError, match="held back"):
            archive.keep("open", reply(LINE.format(3)))
        assert archive.lake.read(Selection())["value"].to_pylist() == [2.0]
        filler.unlink()
        archive.admit(archive.keep("open", reply(LINE.format(3))).reply_id)
        assert not archive.disk.look().alarm
        with archive.engine.connect() as connection:
            alarms = [event.document["alarm"] for event in list_events(connection, kind="disk")]
        assert alarms == [True, False]
    with closing(open_archive(small_disk / "city")) as archive:
        assert archive.lake.history(Selection())["value"].to_pylist() == [1.0, 2.0, 3.0]


def test_a_node_opens_on_a_full_disk(small_disk: Path, city_file: Path, reply: Make) -> None:
    """A reply that was held when the disk filled waits; the folder opens, and with room again it is admitted."""
    create_folder(small_disk / "city", city_file)
    with closing(open_archive(small_disk / "city")) as archive:
        archive.keep("open", reply(LINE.format(1)))
    # Less than the reserve of 0.6 MiB, and enough for SQLite's shared memory.
    filler = fill(small_disk, leave=400_000)
    with closing(open_archive(small_disk / "city")) as archive:
        assert archive.lake.read(Selection()).num_rows == 0
        filler.unlink()
        archive.disk = quotas.DiskGuard(archive.folder, archive.events)
        assert [admission.rows for admission in archive.resume()] == [1]


def test_a_disk_that_is_full_already(small_disk: Path, city_file: Path, reply: Make) -> None:
    """Where another program took the last byte in between, a reply is refused whole and comes later."""
    create_folder(small_disk / "city", city_file)
    with closing(open_archive(small_disk / "city")) as archive:
        archive.disk.look()
        filler = fill(small_disk, leave=0)
        body = reply(*(LINE.format(value) for value in os.urandom(4000)))
        with pytest.raises(StorageFullError):
            archive.keep("open", body)
        assert [path.name for path in (archive.folder / "replies").iterdir() if path.is_file()] == []
        filler.unlink()
        kept = archive.keep("open", body)
        assert not kept.unchanged
        assert archive.admit(kept.reply_id).rows == 1
