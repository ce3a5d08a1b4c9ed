"""Opens a city's folder as an archive."""

from __future__ import annotations

from pathlib import Path

from passerelle.archive.archive import Archive
from passerelle.archive.folder import CITY, FolderLock, read_key, read_layout, upgrade_folder
from passerelle.feeds.city import read_city
from passerelle.lake.memory import MemoryLake


def open_archive(folder: Path) -> Archive:
    """The archive in `folder`, upgraded where it is older and with interrupted admissions completed.

    `FolderBusyError` names the process that owns the folder already.
    """
    read_layout(folder)
    lock = FolderLock(folder)
    try:
        upgrade_folder(folder)
        (folder / "lake").mkdir(exist_ok=True)
        lake = MemoryLake(folder / "lake")
        archive = Archive(folder, read_city(folder / CITY), lake, lock, read_key(folder))
    except BaseException:
        lock.release()
        raise
    archive.resume()
    return archive
