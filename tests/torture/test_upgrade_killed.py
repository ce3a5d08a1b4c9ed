"""A folder of an older program, whose upgrade is killed at any moment."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tarfile
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from passerelle.archive.folder import LAYOUT, read_layout
from passerelle.archive.opening import open_archive
from passerelle.lake.contract import Selection
from passerelle.registry.replies import list_replies

KEPT = Path(__file__).parents[1] / "archive" / "layouts" / "layout-1.tar.gz"
OPEN = """
import sys
from pathlib import Path
from passerelle.archive.opening import open_archive
print("begun", flush=True)
open_archive(Path(sys.argv[1])).close()
"""


@pytest.mark.timeout(0)
def test_an_upgrade_survives_the_kill(tmp_path: Path, rounds: int) -> None:
    """Killed while it upgrades the oldest folder, it has its 181 versions and two replies when opened again."""
    chance = random.Random(20180601)
    longest = 3.0
    for number in range(rounds):
        with tarfile.open(KEPT) as kept:
            kept.extractall(tmp_path, filter="data")
        folder = (tmp_path / "layout1").rename(tmp_path / f"round{number}")
        with subprocess.Popen([sys.executable, "-c", OPEN, folder], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            with suppress(subprocess.TimeoutExpired):
                began = time.monotonic()
                process.wait(chance.uniform(0, longest))
                # It was done before: the next ones are killed sooner.
                longest = time.monotonic() - began
            process.kill()
        with closing(open_archive(folder)) as archive, archive.engine.connect() as connection:
            assert archive.lake.history(Selection()).num_rows == 181
            assert len(list_replies(connection)) == 2
        assert read_layout(folder) == LAYOUT
        shutil.rmtree(folder)
