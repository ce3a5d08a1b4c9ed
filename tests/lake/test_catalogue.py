"""The folder of a lake: its layout version, its upgrade, its one owner."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from passerelle.lake.catalogue import LAYOUT, UPGRADES, check_layout
from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import open_lake
from passerelle.lake.testing.rows import at, origin_of, rows_of, said, said_since
from passerelle.model.errors import FolderBusyError, LayoutError

RECORDED = Path(__file__).parent / "recorded"


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file in `folder` with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_of_layout_1(tmp_path: Path) -> None:
    """A folder kept from layout 1, whose process had been killed, holds what it was told."""
    with tarfile.open(RECORDED / "layout-1.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    lake = open_lake(tmp_path / "layout-1")
    assert said(lake.read(Selection())) == [(1, 0, 1.0), (1, 15, 2.5), (1, 30, 4.0), (3, 0, 7.0)]
    assert said(lake.read(Selection(as_known_at=at(10)))) == [(1, 0, 1.0), (1, 15, 2.0), (2, 0, 3.0)]
    assert said_since(lake.history(Selection([2]))) == [(3.0, 10), ("sensor failed", 20)]
    for key in ("first", "second", "file", "pending"):
        assert lake.append(rows_of((9, 0, 9.0)), origin_of(key, 50)).repeated
    lake.close()


@pytest.mark.parametrize("layout", ['{"layout": 99}', '{"layout": null}', "{}", "not JSON"])
def test_unknown_layout(tmp_path: Path, layout: str) -> None:
    """A version this program doesn't know is refused, and no file of the folder changes."""
    open_lake(tmp_path).close()
    (tmp_path / "layout.json").write_text(layout, encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(LayoutError, match="layout"):
        open_lake(tmp_path)
    assert contents(tmp_path) == before


def test_older_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older folder goes through the upgrades in turn, and names each version it has reached."""
    seen: list[int] = []

    def upgrade(folder: Path) -> None:
        seen.append(json.loads((folder / "layout.json").read_text(encoding="utf-8"))["layout"])

    for version in (LAYOUT - 2, LAYOUT - 1):
        monkeypatch.setitem(UPGRADES, version, upgrade)
    (tmp_path / "layout.json").write_text(json.dumps({"layout": LAYOUT - 2}), encoding="utf-8")
    check_layout(tmp_path)
    assert seen == [LAYOUT - 2, LAYOUT - 1]
    assert json.loads((tmp_path / "layout.json").read_text(encoding="utf-8")) == {"layout": LAYOUT}


def test_folder_made_halfway(tmp_path: Path) -> None:
    """A process that stopped while it made the folder left what the next one completes."""
    lake = open_lake(tmp_path)
    lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
    lake.close()
    (tmp_path / "layout.json").unlink()
    again = open_lake(tmp_path)
    assert said(again.read(Selection())) == [(1, 0, 1.0)]
    assert again.append(rows_of((1, 0, 1.0)), origin_of("a", 2)).repeated
    again.close()


def test_one_owner(tmp_path: Path) -> None:
    """A second process is told that the folder is in use."""
    lake = open_lake(tmp_path)
    program = (
        "import sys; from pathlib import Path; from passerelle.lake.ducklake import open_lake; "
        "from passerelle.model.errors import FolderBusyError\n"
        "try: open_lake(Path(sys.argv[1]))\n"
        "except FolderBusyError as error: print('busy', error)"
    )
    told = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("busy")
    lake.close()


def test_second_open_in_one_process(tmp_path: Path) -> None:
    """The same process is told likewise."""
    lake = open_lake(tmp_path)
    with pytest.raises(FolderBusyError):
        open_lake(tmp_path)
    lake.close()


def test_moved_folder(tmp_path: Path) -> None:
    """A folder may be moved: nothing in it names where it lies."""
    lake = open_lake(tmp_path / "here")
    lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
    lake.close()
    (tmp_path / "here").rename(tmp_path / "there")
    moved = open_lake(tmp_path / "there")
    assert said(moved.read(Selection())) == [(1, 0, 1.0)]
    moved.append(rows_of((1, 0, 2.0)), origin_of("b", 2))
    moved.flush()
    moved.compact()
    assert said_since(moved.history(Selection())) == [(1.0, 1), (2.0, 2)]
    moved.close()
    assert not (tmp_path / "here").exists()
