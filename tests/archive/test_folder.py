"""The city's folder: made, locked, announced, upgraded."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from passerelle.archive import create_folder, find_node, open_archive
from passerelle.archive import folder as folders
from passerelle.archive.folder import FolderLock, format_public_key, read_key, read_layout, upgrade_folder
from passerelle.model.errors import FolderBusyError, InvalidValueError, LayoutError

HOLD = """
import sys, time
from pathlib import Path
from passerelle.archive.folder import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.announce("http://127.0.0.1:8199")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def hold(folder: Path) -> Callable[[], subprocess.Popen[bytes]]:
    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.stdout.close()
        return process

    return start


def test_a_folder_has_what_the_page_says(tmp_path: Path, city_file: Path) -> None:
    """City, key, layout and registry are there, and only the owner may read the key."""
    folder = tmp_path / "new"
    create_folder(folder, city_file)
    assert {path.name for path in folder.iterdir()} == {
        "city.toml",
        "key.pem",
        "layout.json",
        "registry.sqlite",
        "replies",
    }
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert json.loads((folder / "layout.json").read_text()) == {"layout": 1}
    assert len(base64.b64decode(format_public_key(read_key(folder)))) == 32


def test_two_folders_have_two_keys(tmp_path: Path, city_file: Path, folder: Path) -> None:
    """No key is made twice."""
    create_folder(tmp_path / "other", city_file)
    assert format_public_key(read_key(folder)) != format_public_key(read_key(tmp_path / "other"))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, city_file: Path) -> None:
    """Nothing is written where anything lies."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InvalidValueError, match="not empty"):
        create_folder(tmp_path / "full", city_file)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_a_second_process_is_told_who_has_the_folder(folder: Path, hold: Callable[[], subprocess.Popen[bytes]]) -> None:
    """The error names the owner's process and address; once it is killed the folder is free and its note void."""
    process = hold()
    with pytest.raises(FolderBusyError, match=rf"process {process.pid} at http://127.0.0.1:8199"):
        open_archive(folder)
    node = find_node(folder)
    assert node is not None
    assert (node.pid, node.url) == (process.pid, "http://127.0.0.1:8199")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / "node.json").exists()
    assert find_node(folder) is None
    with closing(open_archive(folder)):
        assert not (folder / "node.json").exists()


def test_the_note_is_taken_back(folder: Path) -> None:
    """A node says where it is while it runs, and nothing afterwards."""
    lock = FolderLock(folder)
    lock.announce("http://127.0.0.1:1")
    assert json.loads((folder / "node.json").read_text()) == {"pid": os.getpid(), "url": "http://127.0.0.1:1"}
    lock.release()
    assert find_node(folder) is None
    assert not (folder / "node.json").exists()


def test_two_archives_of_one_folder_in_one_process(folder: Path) -> None:
    """The lock holds between threads and libraries of one process too."""
    with closing(open_archive(folder)), pytest.raises(FolderBusyError, match="hasn't said its address"):
        open_archive(folder)


def test_a_look_at_the_lock_does_not_refuse_a_start(folder: Path) -> None:
    """A node starts although another process shares its lock for a moment, as whoever looks for a node does."""
    with (folder / "lock").open("rb") as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        over = threading.Timer(0.2, fcntl.flock, (looked, fcntl.LOCK_UN))
        over.start()
        FolderLock(folder).release()
        over.join()


def test_a_note_without_a_lock_is_nobodys(folder: Path) -> None:
    """A folder copied with its note and without its lock has no node."""
    (folder / "node.json").write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:1"}))
    (folder / "lock").unlink()
    assert find_node(folder) is None


@pytest.mark.parametrize("text", [None, "{}", "not json", '{"layout": 2}', '{"layout": 0}'])
def test_a_strange_folder_is_refused(folder: Path, text: str | None) -> None:
    """One without a layout, or with one of another program, is neither read nor changed."""
    (folder / "layout.json").unlink()
    if text is not None:
        (folder / "layout.json").write_text(text)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(LayoutError):
        open_archive(folder)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_an_older_folder_is_upgraded_step_by_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is taken once and noted, so that a stop between two goes on where it was."""
    taken: list[int] = []

    def step(path: Path) -> None:
        taken.append(read_layout(path))

    def stop(path: Path) -> None:
        raise OSError(str(path))

    monkeypatch.setattr(folders, "LAYOUT", 3)
    monkeypatch.setattr(folders, "UPGRADES", {1: step, 2: stop})
    with pytest.raises(OSError, match="city"):
        upgrade_folder(folder)
    assert (taken, read_layout(folder)) == ([1], 2)
    monkeypatch.setattr(folders, "UPGRADES", {1: step, 2: step})
    assert upgrade_folder(folder) == 2
    assert (taken, read_layout(folder)) == ([1, 2], 3)
