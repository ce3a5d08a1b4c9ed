"""A node killed while it imports a publisher's file."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import read_city
from passerelle.feeds.feed import Reply
from passerelle.lake.contract import Selection

FEED = "bike-counters"
ROWS = 422_243
"""Rows of the file, as its card in data/ says."""

IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from passerelle.archive.opening import open_archive
from passerelle.feeds.feed import Reply
archive = open_archive(Path(sys.argv[1]))
print("open", flush=True)
archive.admit(archive.keep(sys.argv[2], Reply(Path(sys.argv[3]).read_bytes(), datetime.now(UTC))).reply_id)
archive.close()
"""


@pytest.mark.timeout(0)
def test_an_import_survives_the_kill(tmp_path: Path, checkout: Path, rounds: int) -> None:
    """An import killed at a random moment and begun again admits or refuses each row of the file once."""
    chance = random.Random(20210320)
    city = read_city(checkout / "cities" / "paris.toml")
    file = checkout / "data" / next(bundle.path for bundle in city.bundles if bundle.feed == FEED)
    longest = 8.0
    for number in range(rounds):
        folder = tmp_path / f"city{number}"
        create_folder(folder, "paris")
        with subprocess.Popen([sys.executable, "-c", IMPORT, folder, FEED, file], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            with suppress(subprocess.TimeoutExpired):
                began = time.monotonic()
                process.wait(chance.uniform(0, longest))
                # It was done before: the next ones are killed sooner.
                longest = time.monotonic() - began
            process.kill()
        archive = open_archive(folder)
        try:
            kept = archive.keep(FEED, Reply(file.read_bytes(), datetime.now(UTC)))
            admission = archive.admit(kept.reply_id)
            held = archive.lake.history(Selection())
        finally:
            archive.close()
        keys = held.group_by(["series", "start"]).aggregate([([], "count_all")])
        assert admission.rows + admission.refused == ROWS
        assert keys.num_rows == held.num_rows == admission.rows
        shutil.rmtree(folder)
