"""An archive killed while it keeps, admits and loads replies one after another."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.lake.contract import Selection
from passerelle.registry.refused import list_refused
from passerelle.registry.replies import ReplyState, StoredReply, list_replies
from passerelle.registry.series import list_numbers

FEED = "bike-counters"
FIRST = datetime(2021, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

WORK = """
import itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from passerelle.archive import open_archive
from passerelle.feeds.feed import Reply
folder, files = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
archive = open_archive(folder)
print("open", flush=True)
for file in itertools.cycle(files):
    if file.suffix == ".csv":
        reply_id = archive.load_file(file, "bike-counters").reply_id
    else:
        reply_id = archive.keep("bike-counters", Reply(file.read_bytes(), datetime.now(UTC))).reply_id
        archive.admit(reply_id)
    print(reply_id, flush=True)
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A publisher's reply of two revisions and a file of our own, each with a row that is refused."""
    hours = [FIRST + at * HOUR for at in range(500)]
    made = []
    for name, value in (("a.parquet", 1.0), ("b.parquet", 2.0)):
        counts = pl.DataFrame(
            {
                "counter_id": "c1",
                "counter_name": "Rue de test",
                "site_name": "Test",
                "bike_count": [value] * 499 + [-1.0],
                "date": [hour.replace(tzinfo=None) for hour in hours],
                "latitude": 48.85,
                "longitude": 2.35,
            }
        )
        counts.write_parquet(tmp_path / name)
        made.append(tmp_path / name)
    lines = [f"box,bicycle_count,{hour:%FT%TZ},{hour + HOUR:%FT%TZ},{at % 7}" for at, hour in enumerate(hours)]
    (tmp_path / "c.csv").write_text("\n".join(["place,quantity,start,end,value", *lines[:-1], "box,?,,,"]) + "\n")
    return [*made, tmp_path / "c.csv"]


def run_until_killed(folder: Path, files: list[Path], seconds: float) -> list[int]:
    """Numbers of the replies that the process said were admitted before it was killed."""
    # From a file: DuckDB takes `python -c` for somebody at a terminal, and draws a progress bar.
    script = folder.with_suffix(".py")
    script.write_text(WORK)
    with subprocess.Popen([sys.executable, script, folder, *files], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        time.sleep(seconds)
        process.kill()
        return [int(line) for line in process.stdout.read().split(b"\n")[:-1]]


@pytest.mark.timeout(0)
def test_replies_survive_the_kill(tmp_path: Path, files: list[Path], rounds: int) -> None:
    """After each kill every reply that was acknowledged is admitted, none is lost, and no row is there twice."""
    chance = random.Random(20180223)
    folder = tmp_path / "city"
    create_folder(folder, "paris")
    acknowledged: set[int] = set()
    for _ in range(rounds):
        acknowledged |= set(run_until_killed(folder, files, chance.uniform(0.0, 1.5)))
        with closing(open_archive(folder)) as archive:
            with archive.engine.connect() as connection:
                replies = list_replies(connection, feed=FEED, limit=1_000_000)
                assert acknowledged <= {reply.id for reply in replies}
                assert {reply.state for reply in replies} <= {ReplyState.ADMITTED}
                named = set(list_numbers(connection, feed=FEED))
            check_rows(archive, replies, named)
            check_refused(archive, replies)


def check_rows(archive: Archive, replies: list[StoredReply], named: set[int]) -> None:
    """499 rows of each reply, of known series, as the order of the replies has them."""
    assert {(reply.rows, reply.refused) for reply in replies} <= {(499, 1)}
    history = pl.DataFrame(pl.from_arrow(archive.lake.history(Selection())))
    assert history.select(pl.struct("series", "start", "known_since").is_duplicated().any()).item() is False
    assert set(history["series"]) <= named
    # The revisions of the publisher's own rows alternate, so that equal neighbours would be a row admitted twice.
    shift = history.with_columns(before=pl.col("value").shift().over("series", "start"))
    assert shift.filter(pl.col("before") == pl.col("value")).height == 0
    last = max((reply for reply in replies if reply.form != "table"), key=lambda reply: reply.id, default=None)
    if last is not None:
        current = archive.lake.read(Selection())
        assert last.id in set(current["source"].to_pylist())


def check_refused(archive: Archive, replies: list[StoredReply]) -> None:
    """The refused row of each reply is kept once."""
    with archive.engine.connect() as connection:
        refused = [row.reply for row in list_refused(connection, feed=FEED, limit=1_000_000)]
    assert sorted(refused) == sorted(reply.id for reply in replies)
