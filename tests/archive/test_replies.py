"""The bytes of replies on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerelle.archive.replies import ReplyFiles
from passerelle.model.errors import ReplyError


@pytest.fixture
def files(tmp_path: Path) -> ReplyFiles:
    return ReplyFiles(tmp_path / "replies")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(body=st.binary(max_size=5000))
def test_bytes_come_back(files: ReplyFiles, body: bytes) -> None:
    """Whatever was written is read again, found by its SHA-256."""
    sha256, stored = files.write(body)
    assert sha256 == hashlib.sha256(body).hexdigest()
    assert files.read(sha256, len(body)) == body
    assert stored > 0


def test_the_same_bytes_are_one_file(files: ReplyFiles, tmp_path: Path) -> None:
    """Written from memory, again, and from a file, they are one file under their hash, compressed."""
    body = b"x" * 1_000_000
    (tmp_path / "body").write_bytes(body)
    written = {files.write(body)[0], files.write(body)[0], files.write_file(tmp_path / "body")[0]}
    [(sha256, path)] = files.list_hashes()
    assert written == {sha256}
    assert path.relative_to(tmp_path / "replies") == Path(sha256[:2]) / f"{sha256}.zst"
    assert path.stat().st_size < 1000
    with files.opened(sha256) as plain:
        assert plain.read_bytes() == body
    assert not plain.exists()


def swap(path: Path) -> None:
    path.write_bytes(pa.compress(b"other", codec="zstd", asbytes=True))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize(("harm", "told"), [(swap, "damaged"), (cut, "damaged"), (Path.unlink, "missing")])
def test_damaged_bytes_are_not_given(files: ReplyFiles, harm: Callable[[Path], None], told: str) -> None:
    """Other bytes than the name says, half of them and none are one error, read whole or as a file."""
    first, _ = files.write(b"first")
    harm(dict(files.list_hashes())[first])
    with pytest.raises(ReplyError, match=f"{first} are {told}"):
        files.read(first, 5)
    with pytest.raises(ReplyError, match=f"{first} are {told}"), files.opened(first):
        pass


def test_unfinished_files_are_cleared(files: ReplyFiles, tmp_path: Path) -> None:
    """What a killed process left half written is gone at the next start; whole files stay."""
    sha256, _ = files.write(b"whole")
    (tmp_path / "replies" / "0123.tmp").write_bytes(b"ha")
    again = ReplyFiles(tmp_path / "replies")
    assert again.read(sha256, 5) == b"whole"
    assert not (tmp_path / "replies" / "0123.tmp").exists()


def test_bytes_that_were_dropped(files: ReplyFiles) -> None:
    """Reading them names the hash; dropping twice is dropping once."""
    sha256, _ = files.write(b"gone")
    files.delete(sha256)
    files.delete(sha256)
    assert not files.holds(sha256)
    with pytest.raises(ReplyError, match=sha256):
        files.read(sha256, 4)
