"""A recording played: every few seconds a reply, in its own time, with its own revisions."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from passerelle.api.node import Node
from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.city import Replay, find_data_file
from passerelle.feeds.feed import Reply
from passerelle.ingest.replay import Replayer
from passerelle.lake.contract import Selection
from passerelle.registry.events import list_events
from passerelle.registry.replies import ReplyState, list_replies
from passerelle.registry.series import list_series

FEED = "velib-replay"
FILE = "velib_centre_2022-05-12_2022-06-02.jsonl.gz"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An empty Paris."""
    create_folder(tmp_path / "paris", "paris")
    with closing(open_archive(tmp_path / "paris")) as archive:
        yield archive


def read_lines(archive: Archive) -> list[dict[str, Any]]:
    """The lines of the recording, read without our code."""
    (shipped,) = archive.city.replays
    return [json.loads(line) for line in gzip.open(find_data_file(shipped.path))]


def play(archive: Archive, until: int) -> Replay:
    """Play quickly until so many replies are admitted, then stop."""
    (shipped,) = archive.city.replays
    replayer = Replayer(archive, replace(shipped, every_seconds=0.01))
    replayer.start()
    deadline = time.monotonic() + 60
    while count(archive) < until:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    replayer.stop()
    return shipped


def count(archive: Archive) -> int:
    with archive.engine.connect() as connection:
        return len(list_replies(connection, feed=FEED, state=ReplyState.ADMITTED, limit=1000))


def test_replies_keep_the_times_of_the_recording(archive: Archive) -> None:
    """Each reply is marked as recorded, known since its line says, and holds that line's bytes."""
    play(archive, until=3)
    lines = read_lines(archive)
    with archive.engine.connect() as connection:
        replies = list_replies(connection, feed=FEED)[::-1]
    assert all(reply.recorded for reply in replies)
    told = [datetime.fromisoformat(line["received"]) for line in lines[: len(replies)]]
    assert [reply.received for reply in replies] == told
    assert [json.loads(archive.files.read(reply.sha256, reply.bytes)) for reply in replies] == [
        line["body"] for line in lines[: len(replies)]
    ]
    assert archive.lake.read(Selection())["known_since"].to_pylist()[0].year == 2022


def test_what_the_recording_said_anew_is_a_revision(archive: Archive) -> None:
    """Up to line 5 the recorder saw 59 and 72 states with other numbers than before and the same `last_reported`.

    Counted in the file by station code and `last_reported`, over bikes, docks and kinds.
    """
    play(archive, until=5)
    seen: dict[tuple[str, int], tuple[int, int]] = {}
    revised = 0
    for line in read_lines(archive)[:5]:
        for station in line["body"]["data"]["stations"]:
            if "last_reported" in station:
                key = (station["stationCode"], station["last_reported"])
                numbers = (station["num_bikes_available"], station["num_docks_available"])
                revised += (seen.get(key, numbers)[0] != numbers[0]) + (seen.get(key, numbers)[1] != numbers[1])
                seen[key] = numbers
    with archive.engine.connect() as connection:
        totals = [one.number for one in list_series(connection, feed=FEED, limit=10_000) if one.facet == ""]
    history = pl.DataFrame(pl.from_arrow(archive.lake.history(Selection(series=totals))))
    fifth = datetime.fromisoformat(read_lines(archive)[4]["received"])
    history = history.filter(pl.col("known_since") <= fifth)
    assert revised > 100
    assert history.height - history.n_unique(["series", "start"]) == revised


def test_a_replay_goes_on_where_it_was_left(archive: Archive) -> None:
    """A node that stopped after some replies plays the following ones, none twice."""
    play(archive, until=3)
    before = count(archive)
    play(archive, until=before + 2)
    with archive.engine.connect() as connection:
        names = [reply.name for reply in list_replies(connection, feed=FEED)][::-1]
    assert [int(name.rpartition(":")[2]) for name in names] == list(range(1, len(names) + 1))


def test_a_replay_ends(archive: Archive) -> None:
    """After its last line, the 489th, nothing is played, and a start after that plays nothing."""
    (shipped,) = archive.city.replays
    line = read_lines(archive)[486]
    reply = Reply(json.dumps(line["body"]).encode(), datetime.fromisoformat(line["received"]), name=f"{FILE}:487")
    archive.admit(archive.keep(FEED, reply, recorded=True).reply_id)
    for _ in range(2):
        replayer = Replayer(archive, replace(shipped, every_seconds=0.01))
        replayer.start()
        deadline = time.monotonic() + 20
        while replayer.is_playing and time.monotonic() < deadline:
            time.sleep(0.01)
        replayer.stop()
        with archive.engine.connect() as connection:
            names = [reply.name for reply in list_replies(connection, feed=FEED)]
        assert names == [f"{FILE}:{number}" for number in (489, 488, 487)]


def test_a_recording_that_is_none_ends_its_replay(archive: Archive) -> None:
    """A file that isn't packed lines is told as the feed's failure, and nothing else ends."""
    (shipped,) = archive.city.replays
    replayer = Replayer(archive, replace(shipped, path="velib/README.md"))
    replayer.start()
    replayer.stop()
    assert not replayer.is_playing
    with archive.engine.connect() as connection:
        (event,) = list_events(connection, kind="failed", feed=FEED)
    assert "README.md can't be played on" in event.document["reason"]


def test_the_days_are_those_of_the_recording(archive: Archive) -> None:
    """What the feed is labelled with is what the file's first and last line say."""
    (shipped,) = archive.city.replays
    days = [datetime.fromisoformat(line["received"]).astimezone(UTC).date() for line in read_lines(archive)]
    assert (shipped.first, shipped.last) == (days[0], days[-1])
    assert days == sorted(days)


def test_nothing_is_played_unless_asked(archive: Archive) -> None:
    """A node that only opens the city plays no recording."""
    node = Node(archive)
    node.start(fetches=False, replays=False)
    time.sleep(0.1)
    node.stop()
    assert count(archive) == 0


def test_the_feed_is_labelled(paris: Any) -> None:
    """The API says of which days a feed is a replay, in words and in figures; of others it says null."""
    answer: Callable[[str], Any] = lambda name: httpx.get(f"{paris.url}/api/v1/feeds/{name}").json()  # noqa: E731
    assert answer(FEED)["replay"] == {
        "first": "2022-05-12",
        "last": "2022-06-02",
        "every_seconds": 5.0,
        "playing": False,
    }
    assert "replay" in answer(FEED)["title"]["en"]
    assert "rejeu" in answer(FEED)["title"]["fr"]
    assert answer("eco2mix")["replay"] is None
