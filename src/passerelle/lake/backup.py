"""A consistent copy of a lake that goes on being written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from passerelle.lake.catalogue import METADATA, Catalogue, quoted, write_layout
from passerelle.lake.faults import storage_faults
from passerelle.lake.filing import Filing
from passerelle.lake.front import Front
from passerelle.model.errors import InvalidValueError


def copy_lake(catalogue: Catalogue, front: Front, filing: Filing, target: Path) -> None:
    """Make `target`, empty or absent, a folder that opens like the catalogue's.

    Nothing is filed between the copies of the front and of the catalogue, so that each row is in
    one of the two. Parquet files never change: on the same disk they are linked rather than copied.
    """
    if target.exists() and any(target.iterdir()):
        raise InvalidValueError(f"{target} is not empty; a backup needs a folder of its own", where=str(target))
    target.mkdir(parents=True, exist_ok=True)
    with filing.lock, storage_faults(str(target)), catalogue.rewriting:
        front.copy_to(target / "front.sqlite")
        _copy_catalogue(catalogue, target / "catalogue.ducklake")
        data = catalogue.folder / "data"
        for path in sorted(data.rglob("*.parquet")):
            _copy_file(path, target / "data" / path.relative_to(data))
        write_layout(target)


def _copy_catalogue(catalogue: Catalogue, path: Path) -> None:
    with catalogue.cursor() as cursor:
        cursor.execute(f"ATTACH '{quoted(path)}' AS copy")
        try:
            cursor.execute(f"COPY FROM DATABASE {METADATA} TO copy")
        finally:
            cursor.execute("DETACH copy")


def _copy_file(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError as error:
        # Other disks, and file systems without links.
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
            raise
        shutil.copy2(path, target)
