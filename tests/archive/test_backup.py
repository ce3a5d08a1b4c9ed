"""Backups made while the folder is written, restored, and kept folders of older layouts."""

from __future__ import annotations

import shutil
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from passerelle.archive import Admission, Archive, Sender, open_archive
from passerelle.archive.backup import Contents, back_up, restore, verify_folder
from passerelle.archive.folder import format_public_key, read_key
from passerelle.feeds.feed import Reply
from passerelle.ingest.inbox import Spool
from passerelle.lake.contract import Selection
from passerelle.model.errors import FolderBusyError, InvalidValueError, LayoutError, UnknownNameError
from passerelle.model.observation import OBSERVATION
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.replies import get_reply
from passerelle.registry.tokens import Scope

HELD = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
POSTED = Series("open", "box", "bicycle_count")
LINE = "rivoli|bicycle_count|2021-03-01T{:02}:00:00Z|{}|"
Admit = Callable[..., Admission]


def test_a_backup_is_a_whole_folder(archive: Archive, admit: Admit, tmp_path: Path) -> None:
    """It opens like the original, with the same key for its owner's eyes only, replies and observations."""
    admit(LINE.format(8, 1), LINE.format(9, 2))
    contents = back_up(archive, tmp_path / "backup")
    assert contents == Contents(replies=1, series=1, observations=2)
    assert format_public_key(read_key(tmp_path / "backup")) == format_public_key(archive.key)
    assert stat.S_IMODE((tmp_path / "backup" / "key.pem").stat().st_mode) == 0o600
    with closing(open_archive(tmp_path / "backup")) as copy:
        assert copy.lake.read(Selection()).equals(archive.lake.read(Selection()))
        with copy.engine.connect() as connection:
            stored = get_reply(connection, 1)
        assert copy.files.read(stored.sha256, stored.bytes).endswith(b"|2||\n")


def test_a_backup_is_restored(archive: Archive, admit: Admit, tmp_path: Path) -> None:
    """What is restored is what was backed up, and goes on on its own."""
    admit(LINE.format(8, 1))
    back_up(archive, tmp_path / "backup")
    admit(LINE.format(8, 5), received=HELD + HOUR)
    seen: list[tuple[int, int]] = []
    contents = restore(tmp_path / "backup", tmp_path / "restored", lambda done, of: seen.append((done, of)))
    assert contents == Contents(replies=1, series=1, observations=1)
    assert seen[-1][0] == seen[-1][1]
    with closing(open_archive(tmp_path / "restored")) as restored:
        kept = restored.keep("open", Reply(b"place|quantity|start|value|reason|person\n", HELD))
        assert kept.reply_id == 2
        assert restored.lake.read(Selection())["value"].to_pylist() == [1.0]
    assert archive.lake.read(Selection())["value"].to_pylist() == [5.0]


def test_messages_that_are_in_no_reply_yet_are_backed_up(archive: Archive, tmp_path: Path) -> None:
    """A broker was told of them and sends them no more: they come back with the folder, whole lines only."""
    spool = Spool(archive.folder / "mqtt" / "open.jsonl")
    spool.append(b'{"a":1}\n')
    with (archive.folder / "mqtt" / "open.jsonl").open("ab") as file:
        file.write(b'{"b":')
    back_up(archive, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")
    assert Spool(tmp_path / "restored" / "mqtt" / "open.jsonl").read() == b'{"a":1}\n'


def test_backups_while_replies_and_posts_come(archive: Archive, reply: Callable[..., Reply], tmp_path: Path) -> None:
    """Every backup is consistent: what its registry calls admitted is in its lake, and the lake names no unknown."""
    archive.register([Place("box", "counter", "Box")], [POSTED])
    token, _ = archive.create_token(name="box", scope=Scope.OBSERVATIONS, feed="open")
    assert token.source is not None
    sender, stop = Sender("open", token.source), threading.Event()

    def post() -> None:
        start = datetime(2001, 1, 1, tzinfo=UTC)
        while not stop.is_set():
            rows = pa.table([[POSTED.number], [start], [start + HOUR], [1.0], [None]], schema=OBSERVATION)
            archive.receive(rows, sender, None, b"")
            start += HOUR

    def keep() -> None:
        value = 0
        while not stop.is_set():
            value += 1
            line = f"place{value}|bicycle_count|2021-03-01T08:00:00Z|{value}|"
            archive.admit(archive.keep("open", reply(line)).reply_id)

    threads = [threading.Thread(target=work) for work in (post, keep)]
    for thread in threads:
        thread.start()
    contents = [back_up(archive, tmp_path / f"backup{number}") for number in range(2)]
    stop.set()
    for thread in threads:
        thread.join()
    assert contents[0].observations <= contents[1].observations
    for number in range(2):
        with closing(open_archive(tmp_path / f"backup{number}")) as copy:
            rows = copy.lake.history(Selection())
            with copy.engine.connect() as connection:
                replies = {get_reply(connection, source).id for source in set(rows["source"].to_pylist())}
                admitted = connection.exec_driver_sql("SELECT id FROM replies WHERE state = 'admitted'").scalars()
                named = set(connection.exec_driver_sql("SELECT number FROM series").scalars())
                assert set(admitted) <= replies
            assert set(rows["series"].to_pylist()) <= named


def test_nothing_is_overwritten(archive: Archive, tmp_path: Path) -> None:
    """A backup and a restore want a folder of their own, and a restore a backup."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InvalidValueError, match="not empty"):
        back_up(archive, tmp_path / "full")
    back_up(archive, tmp_path / "backup")
    with pytest.raises(InvalidValueError, match="not empty"):
        restore(tmp_path / "backup", tmp_path / "full")
    with pytest.raises(LayoutError, match="not a city's folder"):
        restore(tmp_path / "full", tmp_path / "restored")


def test_a_running_folder_is_no_backup(archive: Archive, tmp_path: Path) -> None:
    """Restoring from a folder that a process writes says whose it is."""
    with pytest.raises(FolderBusyError):
        restore(archive.folder, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_backup_stands_still_while_it_is_restored(archive: Archive, tmp_path: Path) -> None:
    """No process opens it half-way, nor is anything of it changed."""
    back_up(archive, tmp_path / "backup")
    refused: list[int] = []

    def open_meanwhile(done: int, _: int) -> None:
        if done == 1:
            with pytest.raises(FolderBusyError):
                open_archive(tmp_path / "backup")
            refused.append(done)

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "backup").rglob("*")}
    restore(tmp_path / "backup", tmp_path / "restored", open_meanwhile)
    assert refused == [1]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "backup").rglob("*")} == before


def test_a_folder_without_a_replys_bytes_is_no_backup(archive: Archive, admit: Admit, tmp_path: Path) -> None:
    """The check after a backup finds a file that is missing."""
    admit(LINE.format(8, 1))
    back_up(archive, tmp_path / "backup")
    shutil.rmtree(tmp_path / "backup" / "replies")
    with pytest.raises((InvalidValueError, UnknownNameError), match="lacks the bytes"):
        verify_folder(tmp_path / "backup")
