"""Reading replies: outside the lock of admission, in the order of their feed, and once for all who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.archive.conftest import LINES

from passerelle.archive import Archive, reading
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.lake.contract import Selection
from passerelle.model.errors import ReplyError
from passerelle.registry.replies import ReplyState, get_reply

LONG = 30.0
"""Seconds that nothing here takes."""

Make = Callable[..., Reply]
NOON = "box|bicycle_count|2021-03-01T10:00:00Z"


class Slow:
    """A form whose replies named `slow` are being read from `begun` until `go`."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def parse(self, reply: Reply, feed: Feed) -> Parsed:
        if reply.name == "slow":
            self.begun.set()
            assert self.go.wait(LONG)
        return LINES.parse(reply, feed)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The form `lines`, slow."""
    made = Slow()
    monkeypatch.setitem(FORMS, "lines", replace(LINES, parse=made.parse))
    return made


def admit_aside(archive: Archive, number: int) -> threading.Thread:
    thread = threading.Thread(target=archive.admit, args=(number,))
    thread.start()
    return thread


def find_state(archive: Archive, number: int) -> ReplyState:
    with archive.engine.connect() as connection:
        return get_reply(connection, number).state


def test_while_a_reply_is_read_another_feed_s_is_admitted(archive: Archive, reply: Make, slow: Slow) -> None:
    """The slow one of `closed` is still being read when that of `open` is in the lake."""
    held = archive.keep("closed", reply(f"{NOON}|1|", name="slow")).reply_id
    thread = admit_aside(archive, held)
    assert slow.begun.wait(LONG)
    assert archive.admit(archive.keep("open", reply(f"{NOON}|2|")).reply_id).rows == 1
    assert find_state(archive, held) is ReplyState.HELD
    slow.go.set()
    thread.join(LONG)
    assert find_state(archive, held) is ReplyState.ADMITTED


def test_a_feed_s_replies_are_admitted_one_after_another(archive: Archive, reply: Make, slow: Slow) -> None:
    """The second waits for the slow first, so that of the same hour and receipt the second's value stands."""
    first, second = (
        archive.keep("open", reply(f"{NOON}|{value}|", name=name)).reply_id for value, name in ((1, "slow"), (2, ""))
    )
    threads = [admit_aside(archive, first)]
    assert slow.begun.wait(LONG)
    threads.append(admit_aside(archive, second))
    threads[1].join(0.3)
    assert find_state(archive, second) is ReplyState.HELD
    slow.go.set()
    for thread in threads:
        thread.join(LONG)
    assert archive.lake.read(Selection())["value"].to_pylist() == [2.0]


def test_nothing_is_admitted_while_the_archive_is_paused(archive: Archive, reply: Make, slow: Slow) -> None:
    """What was being read when the pause began, readable or not, waits for its end."""
    numbers = [
        archive.keep(feed, reply(f"{NOON}|{value}|", name="slow")).reply_id
        for feed, value in (("open", "1"), ("closed", "defect"))
    ]
    threads = [admit_aside(archive, number) for number in numbers]
    assert slow.begun.wait(LONG)
    with archive.paused():
        slow.go.set()
        threads[0].join(0.3)
        assert [find_state(archive, number) for number in numbers] == [ReplyState.HELD] * 2
    for thread in threads:
        thread.join(LONG)
    assert [find_state(archive, number) for number in numbers] == [ReplyState.ADMITTED, ReplyState.UNREADABLE]


def test_a_reading_is_held_for_one_who_asks_next(archive: Archive, reply: Make) -> None:
    """It is there though the bytes are gone; who asks again has to read them."""
    number = archive.admit(archive.keep("open", reply(f"{NOON}|1|", f"{NOON}|?|")).reply_id).reply_id
    with archive.engine.connect() as connection:
        stored = get_reply(connection, number)
    archive.files.delete(stored.sha256)
    assert archive.readings.take(stored).checked.rows["value"].to_pylist() == [1.0]
    with pytest.raises(ReplyError, match="missing"):
        archive.readings.take(stored)


@pytest.mark.parametrize("limit", ["MOST", "MOST_ROWS"])
def test_only_so_much_is_held(limit: str, archive: Archive, reply: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three replies with one row each, where two or their rows may be held, the first has to be read again."""
    monkeypatch.setattr(reading, limit, 2)
    numbers = [archive.admit(archive.keep("open", reply(f"{NOON}|{at}|")).reply_id).reply_id for at in range(3)]
    with archive.engine.connect() as connection:
        stored = [get_reply(connection, number) for number in numbers]
    for one in stored:
        archive.files.delete(one.sha256)
    with pytest.raises(ReplyError, match="missing"):
        archive.readings.take(stored[0])
    assert [archive.readings.take(one).rows for one in stored[1:]] == [1, 1]
