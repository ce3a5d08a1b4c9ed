"""Replies' rows, and the rows of replies that were refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete

from passerelle.model.errors import UnknownNameError
from passerelle.model.observation import REFUSED
from passerelle.registry.refused import (
    LONGEST_RAW,
    count_reasons,
    delete_refused,
    list_reasons,
    list_refused,
    put_refused,
)
from passerelle.registry.replies import (
    REPLIES,
    Counts,
    NewReply,
    ReplyState,
    count_replies,
    find_last_reply,
    get_reply,
    holds_bytes,
    list_held,
    list_kept,
    list_replies,
    put_reply,
    set_admitted,
    set_checked,
    set_dropped,
    set_unreadable,
    summarise_replies,
)

HELD = datetime(2021, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
NEW = NewReply("a", "lines", "file.txt", "text/plain", HELD, True, HELD, "00ff", 100, 40)


def test_a_reply_comes_back(connection: Connection) -> None:
    """All that was put is there, nothing is counted yet, and the state is held."""
    number = put_reply(connection, NEW)
    stored = get_reply(connection, number)
    assert replace(NEW) == NewReply(**{name: getattr(stored, name) for name in NewReply.__slots__})
    assert (stored.rows, stored.refused, stored.readings, stored.checks, stored.checked) == (0, 0, 0, 0, None)
    assert list_held(connection) == [number]


def test_a_number_is_never_given_again(connection: Connection) -> None:
    """Numbers ascend, also after the last reply's row was removed by hand."""
    first, second = put_reply(connection, NEW), put_reply(connection, NEW)
    connection.execute(delete(REPLIES).where(REPLIES.c.id == second))
    assert put_reply(connection, NEW) == second + 1 == first + 2


def test_what_became_of_replies(connection: Connection) -> None:
    """Admitted, unreadable, checked and dropped replies say so, and the feed's numbers add them up."""
    admitted, unreadable = put_reply(connection, NEW), put_reply(connection, NEW)
    later = HELD + timedelta(days=1)
    set_admitted(connection, admitted, Counts(rows=7, refused=2, places=3, series=4))
    set_unreadable(connection, unreadable, "broken")
    set_checked(connection, admitted, later)
    set_dropped(connection, [unreadable], later)
    first, second = get_reply(connection, admitted), get_reply(connection, unreadable)
    assert (first.state, first.rows, first.refused, first.places, first.series) == (ReplyState.ADMITTED, 7, 2, 3, 4)
    assert (first.checks, first.checked, first.readings) == (1, later, 1)
    assert (second.state, second.reason, second.dropped) == (ReplyState.UNREADABLE, "broken", later)
    assert list_held(connection) == []
    assert [reply.id for reply in list_kept(connection, feed="a")] == [admitted]
    summary = summarise_replies(connection)["a"]
    assert (summary.replies, summary.last, summary.rows, summary.refused) == (2, later, 7, 2)
    assert count_replies(connection) == (2, 2)


def test_posts_are_no_replies(connection: Connection) -> None:
    """A sender's source is found by its number and left out of the feed's replies."""
    source = put_reply(connection, replace(NEW, state=ReplyState.POSTED))
    assert get_reply(connection, source).state is ReplyState.POSTED
    assert find_last_reply(connection, "a") is None
    assert summarise_replies(connection) == {}
    assert count_replies(connection) == (0, 0)


def test_the_last_reply_of_a_feed(connection: Connection) -> None:
    """The newest is found by feed; a feed that never answered has none."""
    put_reply(connection, NEW)
    last = put_reply(connection, replace(NEW, sha256="11"))
    put_reply(connection, replace(NEW, feed="b"))
    found = find_last_reply(connection, "a")
    assert found is not None
    assert found.id == last
    assert find_last_reply(connection, "c") is None


def test_bytes_are_needed_until_the_last_reply_drops_them(connection: Connection) -> None:
    """A file shared by two replies is held until both have dropped it."""
    both = [put_reply(connection, NEW), put_reply(connection, NEW)]
    needed = []
    for number in both:
        set_dropped(connection, [number], HELD)
        needed.append(holds_bytes(connection, "00ff"))
    assert needed == [True, False]


def test_replies_are_paged_newest_first(connection: Connection) -> None:
    """Two at a time all of a feed's replies come, the newest first, filtered by state."""
    numbers = [put_reply(connection, NEW) for _ in range(5)]
    set_unreadable(connection, numbers[2], "x")
    found: list[int] = []
    while page := list_replies(connection, feed="a", limit=2, after=found[-1] if found else None):
        found += [reply.id for reply in page]
    assert found == numbers[::-1]
    assert [reply.id for reply in list_replies(connection, state=ReplyState.UNREADABLE)] == [numbers[2]]


def test_an_unknown_reply_raises(connection: Connection) -> None:
    """The error says the number."""
    with pytest.raises(UnknownNameError, match="77"):
        get_reply(connection, 77)


def refused(first: int, count: int, raw: str = "raw") -> pa.Table:
    rows = [{"row": row, "reason": f"reason {row}", "raw": raw} for row in range(first, first + count)]
    return pa.Table.from_pylist(rows, schema=REFUSED)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(counts=st.lists(st.integers(0, 2500), min_size=1, max_size=3), limit=st.integers(100, 1200))
def test_every_refused_row_is_paged_once(connection: Connection, counts: list[int], limit: int) -> None:
    """However many rows are refused and however they are paged, each comes once and in order."""
    feed = f"feed {len(list_replies(connection, limit=10_000))}"
    replies = [put_reply(connection, replace(NEW, feed=feed)) for _ in counts]
    for reply, count in zip(replies, counts, strict=True):
        put_refused(connection, reply, refused(1, count))
    found: list[tuple[int, int]] = []
    cursor = None
    while page := list_refused(connection, feed=feed, limit=limit, after=cursor):
        cursor = page[-1].cursor
        found += [(row.reply, row.row) for row in page]
    expected = [(reply, row) for reply, count in zip(replies, counts, strict=True) for row in range(1, count + 1)]
    assert found == expected


def test_refused_rows_take_little_room(connection: Connection) -> None:
    """100,000 refused rows of 100 characters take less than a tenth of their text, and none is dropped."""
    reply = put_reply(connection, NEW)
    assert put_refused(connection, reply, refused(1, 100_000, "x" * 100)) == 100_000
    stored = connection.exec_driver_sql("SELECT sum(length(page)), sum(rows) FROM refused_pages").one()
    assert stored[0] < 1_000_000
    assert stored[1] == 100_000


def test_a_long_row_is_cut(connection: Connection) -> None:
    """Of a refused row's text the first 2,000 characters are kept; the reply has the rest."""
    reply = put_reply(connection, NEW)
    put_refused(connection, reply, refused(1, 1, "é" * 3000))
    assert list_refused(connection, reply=reply)[0].raw == "é" * LONGEST_RAW


def test_reasons_are_counted_and_forgotten(connection: Connection) -> None:
    """Kinds of reasons add up over a feed's replies, most first; a new reading begins anew."""
    first, second = put_reply(connection, NEW), put_reply(connection, NEW)
    count_reasons(connection, first, {"low": 1, "high": 5})
    count_reasons(connection, second, {"low": 2})
    count_reasons(connection, second, {"low": 3})
    assert list(list_reasons(connection, feed="a").items()) == [("low", 6), ("high", 5)]
    put_refused(connection, second, refused(1, 3))
    delete_refused(connection, second)
    assert list_reasons(connection, feed="a") == {"high": 5, "low": 1}
    assert list_refused(connection, reply=second) == []
