"""Opens a city's folder as an archive."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

from passerelle.archive.archive import Archive
from passerelle.archive.folder import CITY, SPOOL, FolderLock, read_key, read_layout, upgrade_folder
from passerelle.feeds.city import read_city
from passerelle.lake.ducklake import open_lake


def open_archive(folder: Path) -> Archive:
    """The archive in `folder`, upgraded where it is older and with interrupted admissions completed.

    `FolderBusyError` names the process that owns the folder already.
    """
    read_layout(folder)
    with ExitStack() as opened:
        lock = FolderLock(folder)
        opened.callback(lock.release)
        upgrade_folder(folder)
        for left_over in folder.glob(f"{SPOOL}*"):
            shutil.rmtree(left_over)
        (folder / "lake").mkdir(exist_ok=True)
        lake = open_lake(folder / "lake")
        opened.callback(lake.close)
        archive = Archive(folder, read_city(folder / CITY), lake, lock, read_key(folder))
        archive.resume()
        opened.pop_all()
    return archive
