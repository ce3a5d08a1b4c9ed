"""A node's thread brings lights up to date; a stopped folder is judged when it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from tests.trust.conftest import HOUR

from passerelle.archive import Archive
from passerelle.registry.trust import list_judged, list_lights
from passerelle.trust.watch import Watch

Bring = Callable[..., int]


@pytest.fixture
def watch(archive: Archive) -> Iterator[Watch]:
    """The archive's watch, closed at the end."""
    watch = Watch(archive)
    yield watch
    watch.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def count_lights(archive: Archive, feed: str) -> int:
    with archive.engine.connect() as connection:
        return len(list_lights(connection, feed=feed))


def test_what_comes_is_judged(archive: Archive, bring: Bring, watch: Watch, now: datetime) -> None:
    """Two replies after the start, each of another series: soon both have a light."""
    watch.start()
    wait_for(lambda: len(judged(archive)) == 2)
    bring("hourly", "A", now - HOUR, now, now)
    wait_for(lambda: count_lights(archive, "hourly") == 1)
    bring("hourly", "B", now - HOUR, now, now)
    wait_for(lambda: count_lights(archive, "hourly") == 2)


def judged(archive: Archive) -> list[str]:
    with archive.engine.connect() as connection:
        return sorted(list_judged(connection))


def test_a_stopped_folder_is_judged_once(archive: Archive, bring: Bring, watch: Watch, now: datetime) -> None:
    """Every feed is due at first, then only the one of which a reply came."""
    feeds = ["hourly", "ended"]
    assert watch.keeper.judge_due(feeds) == feeds
    assert watch.keeper.judge_due(feeds) == []
    bring("ended", "A", now - HOUR, now, now)
    assert watch.keeper.list_due() == ["ended"]
    watch.catch_up_if_stopped(feeds)
    assert count_lights(archive, "ended") == 1
