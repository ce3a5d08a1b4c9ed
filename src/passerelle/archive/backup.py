"""A city's folder copied while it is written, and brought back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from passerelle.archive.archive import Archive
from passerelle.archive.folder import (
    CITY,
    KEY,
    LAYOUT_FILE,
    LOCK,
    MESSAGES,
    REGISTRY,
    held_still,
    read_layout,
    require_empty,
)
from passerelle.archive.opening import open_archive
from passerelle.archive.replies import ReplyFiles
from passerelle.model.errors import InvalidValueError
from passerelle.registry.replies import count_replies, list_kept

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder was found to hold: replies, series with observations, current observations."""

    replies: int
    series: int
    observations: int


def back_up(archive: Archive, target: Path, progress: Progress | None = None) -> Contents:
    """What the copy in `target`, an absent or empty folder, was found to hold when it was opened.

    Replies and new series wait while registry and lake are copied; posts go on. The key is in the
    copy: keep it as safe as the folder.
    """
    require_empty(target)
    target.mkdir(parents=True, exist_ok=True)
    (target / "lake").mkdir()
    _copy_replies(archive.files, target, progress)
    with archive.paused():
        # What came since the first pass; then nothing is between registry and lake that one of them lacks.
        _copy_replies(archive.files, target, None)
        _copy_messages(archive.folder, target)
        _copy_registry(archive.engine, target / REGISTRY)
        archive.lake.backup(target / "lake")
    shutil.copyfile(archive.folder / CITY, target / CITY)
    shutil.copy(archive.folder / KEY, target / KEY)
    # Last, as in a new folder: a copy with a layout is a whole one.
    shutil.copyfile(archive.folder / LAYOUT_FILE, target / LAYOUT_FILE)
    return verify_folder(target)


def restore(source: Path, folder: Path, progress: Progress | None = None) -> Contents:
    """What the city restored into `folder`, absent or empty, was found to hold; an older backup is upgraded."""
    read_layout(source)
    require_empty(folder)
    with held_still(source):
        files = [path for path in sorted(source.rglob("*")) if path.is_file() and path.name != LOCK]
        # Last, so that a restore that stopped half-way is no city's folder.
        files.sort(key=lambda path: path == source / LAYOUT_FILE)
        for done, path in enumerate(files):
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
            if progress is not None:
                progress(done + 1, len(files))
    return verify_folder(folder)


def verify_folder(folder: Path) -> Contents:
    """What the folder holds, having been opened, with the bytes of every kept reply in their place."""
    archive = open_archive(folder)
    try:
        with archive.engine.connect() as connection:
            replies, _ = count_replies(connection)
            kept = {reply.sha256 for reply in list_kept(connection)}
        missing = kept - {sha256 for sha256, _ in archive.files.list_hashes()}
        if missing:
            raise InvalidValueError(f"{folder} lacks the bytes of replies {sorted(missing)[:5]}", where="replies")
        coverage = archive.lake.coverage()
        return Contents(replies, coverage.num_rows, sum(coverage["rows"].to_pylist()))
    finally:
        archive.close()


def _copy_registry(engine: Engine, path: Path) -> None:
    with closing(sqlite3.connect(path)) as target, engine.connect() as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(f"the registry's driver is {type(source).__name__}, not sqlite3")
        source.backup(target)
        # A plain file: no write-ahead log beside it that a careless copy would leave behind.
        target.execute("PRAGMA journal_mode = DELETE")


def _copy_messages(folder: Path, target: Path) -> None:
    """Messages that brokers were told came, which nobody sends again; a line that is being written has no end yet.

    While no reply is kept a message is in a reply that the copy has, or here; in both, it is admitted twice as it is.
    """
    if (folder / MESSAGES).exists():
        shutil.copytree(folder / MESSAGES, target / MESSAGES)


def _copy_replies(files: ReplyFiles, target: Path, progress: Progress | None) -> None:
    """Hard links where the target lies on the same disk, for these files never change; copies elsewhere."""
    kept = list(files.list_hashes())
    for done, (_, path) in enumerate(kept):
        copy = target / "replies" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            _link_or_copy(path, copy)
        if progress is not None:
            progress(done + 1, len(kept))


def _link_or_copy(path: Path, copy: Path) -> None:
    try:
        os.link(path, copy)
    except OSError:
        shutil.copyfile(path, copy)
