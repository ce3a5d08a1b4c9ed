"""A city's folder: its layout, its key, its lock, and the note of the process that owns it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from passerelle.feeds.city import find_city_file, parse_city, parse_feeds, read_city
from passerelle.feeds.feed import Feed
from passerelle.model.errors import FolderBusyError, InvalidValueError, LayoutError
from passerelle.registry.database import open_database

LAYOUT = 1
"""What this program writes; `docs/formats/folder.md` draws it."""

UPGRADES: dict[int, Callable[[Path], None]] = {}
"""For each older layout, the step to the next. The registry and the lake bring their own parts up to date."""

CITY, KEY, LOCK, NODE, REGISTRY = "city.toml", "key.pem", "lock", "node.json", "registry.sqlite"
LAYOUT_FILE = "layout.json"
SPOOL = "rereading-"
MESSAGES = "mqtt"
"""Where messages of brokers lie that were acknowledged and are in no reply yet."""

_LOOKED_AT_S = 1.0


def create_folder(folder: Path, city: str | Path) -> None:
    """Make `folder`, absent or empty, the home of a city, given by its name or its file, with a new key."""
    city_file = find_city_file(city) if isinstance(city, str) else city
    read_city(city_file)
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(city_file, folder / CITY)
    _write_key(folder / KEY)
    (folder / "replies").mkdir()
    open_database(folder / REGISTRY).dispose()
    # Last: a folder with a layout is a whole one.
    _write_whole(folder / LAYOUT_FILE, json.dumps({"layout": LAYOUT}))


def add_feeds(folder: Path, entries: str, name: str) -> tuple[Feed, ...]:
    """The feeds of a text of `[[feed]]` entries called `name`, now in the folder's city file.

    Nothing is written unless the whole city file can be read with them. A running node reads it when it starts again.
    """
    read_layout(folder)
    path = folder / CITY
    before = path.read_text(encoding="utf-8")
    added = parse_feeds(entries, name, read_city(path).time_zone)
    together = f"{before.rstrip()}\n\n{entries.strip()}\n"
    parse_city(together, CITY)
    _write_whole(path, together)
    return added


def require_empty(folder: Path) -> None:
    """`InvalidValueError` where anything lies in the folder; it may be absent."""
    if folder.exists() and any(folder.iterdir()):
        raise InvalidValueError(
            f"{folder} is not empty; what is written there needs a folder of its own", where=str(folder)
        )


def upgrade_folder(folder: Path) -> int:
    """The layout that the folder had; it has today's now."""
    found = version = read_layout(folder)
    while version < LAYOUT:
        UPGRADES[version](folder)
        version += 1
        _write_whole(folder / LAYOUT_FILE, json.dumps({"layout": version}))
    return found


def read_layout(folder: Path) -> int:
    """The folder's layout version; `LayoutError` where it is no city's folder, or a newer program's."""
    path = folder / LAYOUT_FILE
    try:
        layout = json.loads(path.read_text(encoding="utf-8"))["layout"]
    except FileNotFoundError as error:
        raise LayoutError(f"{folder} is not a city's folder: it has no {LAYOUT_FILE}", where=str(folder)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LayoutError(f"{path} does not say a layout: {error}", where=str(path)) from error
    if layout != LAYOUT and layout not in UPGRADES:
        raise LayoutError(f"{folder} has layout {layout}; this program reads up to {LAYOUT}", where=str(path))
    return int(layout)


def read_key(folder: Path) -> Ed25519PrivateKey:
    """The city's key, with which it signs findings."""
    key = load_pem_private_key((folder / KEY).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidValueError(f"{KEY} holds a {type(key).__name__}, not an Ed25519 key", where=KEY)
    return key


def format_public_key(key: Ed25519PrivateKey) -> str:
    """The public half in base64, as findings and bundles name it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


@dataclass(frozen=True, slots=True)
class NodeNote:
    """What a running node says of itself in `node.json`."""

    pid: int
    url: str


class FolderLock:
    """The exclusive hold of one process on a folder, until `release` or the process's end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / LOCK).open("ab")
        if not self._take():
            self._file.close()
            raise FolderBusyError(_describe_owner(folder), where=str(folder))
        # Whoever holds the lock owns the note: one left by a node that was killed says nothing.
        (folder / NODE).unlink(missing_ok=True)

    def _take(self) -> bool:
        """Whether the lock is held now; one that somebody only looks at (`find_node`) is free a moment later."""
        until = time.monotonic() + _LOOKED_AT_S
        while not _lock(self._file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                return False
            time.sleep(_LOOKED_AT_S / 100)
        return True

    def announce(self, url: str) -> None:
        """Write `node.json`, by which the command line and the client find the node."""
        _write_whole(self._folder / NODE, json.dumps(asdict(NodeNote(os.getpid(), url))))

    def release(self) -> None:
        """Take back the note and let the folder go; once is enough."""
        if not self._file.closed:
            (self._folder / NODE).unlink(missing_ok=True)
            self._file.close()


def find_node(folder: Path) -> NodeNote | None:
    """The note of the node that runs on the folder, or None where none does; a stale note is none."""
    try:
        note = NodeNote(**json.loads((folder / NODE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return note if _is_held(folder / LOCK) else None


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Nobody can open the folder meanwhile; `FolderBusyError` where a process has it. Nothing is written to it."""
    # A folder without a lock was never opened where it lies, and may lie where nothing can be written.
    with ExitStack() as held:
        if (folder / LOCK).exists() and not _lock(held.enter_context((folder / LOCK).open("rb")), fcntl.LOCK_SH):
            raise FolderBusyError(_describe_owner(folder), where=str(folder))
        yield


def _is_held(lock: Path) -> bool:
    """Whether a process has the lock. To look is to share it for a moment, for which `FolderLock` waits."""
    try:
        with lock.open("rb") as file:
            return not _lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _describe_owner(folder: Path) -> str:
    note = find_node(folder)
    if note is None:
        return f"{folder} is in use by another process, which hasn't said its address"
    return f"{folder} is in use by process {note.pid} at {note.url}"


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
