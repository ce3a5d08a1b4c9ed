"""The bytes of replies: compressed files named by their hash, written once and whole."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from passerelle.model.errors import ReplyError, StorageFullError

_CODEC = "zstd"
_STEP = 4 << 20
_UNFINISHED = ".tmp"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class ReplyFiles:
    """The folder `replies/` of a city's folder: `ab/abcdef….zst` for each hash.

    A file appears under its name only once its bytes are on the disk, so that a name is a promise.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        for left_over in folder.glob(f"*{_UNFINISHED}"):
            left_over.unlink()
        # A folder that a killed process made and did not come to sync.
        _sync(folder)

    def write(self, body: bytes) -> tuple[str, int]:
        """The hash of `body` and the bytes it takes on the disk; one that is whole already isn't written again."""
        sha256 = hashlib.sha256(body).hexdigest()
        path = self._path(sha256)
        if not self.holds(sha256):
            with _say_when_full(), self._unfinished() as temporary:
                with temporary.open("wb") as file:
                    file.write(pa.compress(body, codec=_CODEC, asbytes=True))
                self._finish(temporary, path)
        return sha256, path.stat().st_size

    def write_file(self, source: Path) -> tuple[str, int, int]:
        """The hash, bytes and stored bytes of a file of any size, copied in bounded memory."""
        digest, size = hashlib.sha256(), 0
        with _say_when_full(), self._unfinished() as temporary:
            with source.open("rb") as read, pa.CompressedOutputStream(str(temporary), _CODEC) as written:
                while step := read.read(_STEP):
                    digest.update(step)
                    size += len(step)
                    written.write(step)
            path = self._path(digest.hexdigest())
            if not self.holds(digest.hexdigest()):
                self._finish(temporary, path)
        return digest.hexdigest(), size, path.stat().st_size

    def read(self, sha256: str, size: int) -> bytes:
        """The `size` bytes of that hash, verified; `ReplyError` where they are missing or damaged."""
        with _say_when_damaged(sha256):
            packed = self._path(sha256).read_bytes()
            body = bytes(pa.decompress(packed, size, codec=_CODEC, asbytes=True)) if size else b""
        _verify(hashlib.sha256(body).hexdigest(), sha256)
        return body

    @contextmanager
    def opened(self, sha256: str) -> Iterator[Path]:
        """A plain file with the bytes of that hash, for readers that seek; gone afterwards. Errors as of `read`."""
        with self._unfinished() as plain:
            digest = hashlib.sha256()
            with _say_when_full(), plain.open("wb") as written:
                for step in self.read_steps(sha256):
                    digest.update(step)
                    written.write(step)
            _verify(digest.hexdigest(), sha256)
            yield plain

    def holds(self, sha256: str) -> bool:
        """Whether the bytes of that hash are there and undamaged, for which they are read."""
        digest = hashlib.sha256()
        try:
            for step in self.read_steps(sha256):
                digest.update(step)
        except ReplyError:
            return False
        return digest.hexdigest() == sha256

    def delete(self, sha256: str) -> None:
        """Drop the bytes of that hash."""
        self._path(sha256).unlink(missing_ok=True)

    def list_hashes(self) -> Iterator[tuple[str, Path]]:
        """Every hash kept with its file."""
        for path in sorted(self._folder.glob("??/*.zst")):
            yield path.stem, path

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.zst"

    def read_steps(self, sha256: str) -> Iterator[bytes]:
        """The bytes of that hash, some MB at a time; not verified, but for what can't be unpacked."""
        with _say_when_damaged(sha256), pa.input_stream(str(self._path(sha256)), compression=_CODEC) as packed:
            while step := packed.read(_STEP):
                yield step

    @contextmanager
    def _unfinished(self) -> Iterator[Path]:
        temporary = self._folder / f"{secrets.token_hex(8)}{_UNFINISHED}"
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _finish(self, temporary: Path, path: Path) -> None:
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True)
            _sync(self._folder)
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)


@contextmanager
def _say_when_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(f"the disk takes no more bytes: {error}", where="replies") from error
        raise


@contextmanager
def _say_when_damaged(sha256: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ReplyError(f"the bytes of reply {sha256} are missing", where=f"replies/{sha256}") from error
    except OSError as error:
        # Bytes that don't unpack come without a number; others than a bad sector's are not about this file.
        if error.errno not in (None, errno.EIO):
            raise
        raise ReplyError(f"the kept bytes of reply {sha256} are damaged: {error}", where=f"replies/{sha256}") from error


def _verify(found: str, sha256: str) -> None:
    if found != sha256:
        raise ReplyError(
            f"the kept bytes of reply {sha256} are damaged: their hash is {found}", where=f"replies/{sha256}"
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
