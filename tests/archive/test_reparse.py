"""Kept replies read again by a parser that was mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from passerelle.archive import Admission, Archive, Sender
from passerelle.archive.reparse import Reread, reparse, reparse_all
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.lake.contract import Selection
from passerelle.model.errors import ReplyError
from passerelle.model.observation import OBSERVATION, PARSED
from passerelle.model.series import Series
from passerelle.registry.refused import list_refused
from passerelle.registry.replies import ReplyState, get_reply
from passerelle.registry.tokens import Scope

HELD = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
SERIES = Series("open", "rivoli", "bicycle_count").number
HOUR = timedelta(hours=1)
Admit = Callable[..., Admission]
Mend = Callable[[Callable[[pl.DataFrame], pl.DataFrame]], None]


def line(hour: int, value: object) -> str:
    return f"rivoli|bicycle_count|2021-03-01T{hour:02}:00:00Z|{value}|"


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Mend:
    """From now on the form `lines` reads what it read, changed by a function of the frame."""
    form = FORMS["lines"]

    def use(change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        def parse(reply: Reply, feed: Feed) -> Parsed:
            parsed = form.parse(reply, feed)
            frame = change(pl.DataFrame(pl.from_arrow(parsed.observations)))
            return replace(parsed, observations=frame.to_arrow().cast(PARSED))

        monkeypatch.setitem(FORMS, "lines", replace(form, parse=parse))

    return use


def read(archive: Archive, as_known_at: datetime | None = None) -> dict[int, float]:
    rows = archive.lake.read(Selection(series=[SERIES], as_known_at=as_known_at)).to_pylist()
    return {row["start"].hour: row["value"] for row in rows}


def double(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("value") * 2)


def test_an_unchanged_parser_changes_nothing(archive: Archive, admit: Admit) -> None:
    """Reading again what is read alike adds no version."""
    admit(line(8, 1), line(9, 2))
    admit(line(9, 3), received=HELD + HOUR)
    assert reparse(archive, "open") == Reread(replies=2, unreadable=0, changed=0, withdrawn=0)
    assert archive.lake.history(Selection()).num_rows == 3


def test_both_readings_are_remembered(archive: Archive, admit: Admit, mend: Mend) -> None:
    """The new reading is known now, the old one when it was; the last reply still counts over the first."""
    admit(line(8, 1), line(9, 2))
    admit(line(9, 3), received=HELD + HOUR)
    before = datetime.now(UTC)
    mend(double)
    assert reparse(archive, "open") == Reread(replies=2, unreadable=0, changed=2, withdrawn=0)
    assert read(archive) == {8: 2.0, 9: 6.0}
    assert read(archive, before) == {8: 1.0, 9: 3.0}
    assert read(archive, HELD) == {8: 1.0, 9: 2.0}
    sources = {row["start"].hour: row["source"] for row in archive.lake.read(Selection()).to_pylist()}
    assert sources == {8: 1, 9: 2}
    # And back again: that the old reading returns is one more revision, not a repeat.
    mend(lambda frame: frame)
    assert reparse(archive, "open").changed == 2
    assert read(archive) == {8: 1.0, 9: 3.0}
    mend(double)
    assert reparse(archive, "open").changed == 2
    assert read(archive) == {8: 2.0, 9: 6.0}


def test_what_no_reply_says_any_more_is_withdrawn(archive: Archive, admit: Admit, mend: Mend) -> None:
    """A row that today's parser doesn't find is withdrawn with the reason; a withdrawal isn't withdrawn again."""
    admit(line(8, 1), line(9, 2))
    mend(lambda frame: frame.filter(pl.col("value") != 1))
    assert reparse(archive, "open") == Reread(replies=1, unreadable=0, changed=0, withdrawn=1)
    assert read(archive) == {9: 2.0}
    reasons = [row["reason"] for row in archive.lake.history(Selection()).to_pylist() if row["reason"]]
    assert reasons == ["not in today's reading of reply 1"]
    assert reparse(archive, "open").withdrawn == 0


def test_what_was_posted_since_is_left_alone(archive: Archive, admit: Admit, mend: Mend) -> None:
    """A value that a sender corrected isn't overwritten by an older reply's new reading."""
    admit(line(8, 1), line(9, 2))
    token, _ = archive.create_token(name="officer's correction", scope=Scope.OBSERVATIONS, feed="open")
    assert token.source is not None
    start = datetime(2021, 3, 1, 9, 0, tzinfo=UTC)
    correction = pa.table([[SERIES], [start], [start + HOUR], [7.0], [None]], schema=OBSERVATION)
    archive.receive(correction, Sender("open", token.source), None, b"")
    mend(double)
    assert reparse(archive, "open").changed == 1
    assert read(archive) == {8: 2.0, 9: 7.0}


def test_a_reply_unreadable_today_keeps_its_old_reading(
    archive: Archive, admit: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parser that fails on a reply it once read doesn't take the reading away."""
    admit(line(8, 1))

    def fail(reply: Reply, feed: Feed) -> Parsed:
        raise ReplyError(f"{feed.id} {len(reply.body)}")

    monkeypatch.setitem(FORMS, "lines", replace(FORMS["lines"], parse=fail))
    assert reparse(archive, "open") == Reread(replies=0, unreadable=1, changed=0, withdrawn=0)
    assert read(archive) == {8: 1.0}
    with archive.engine.connect() as connection:
        assert get_reply(connection, 1).state is ReplyState.ADMITTED


def test_a_reply_that_becomes_readable(archive: Archive, admit: Admit, mend: Mend) -> None:
    """What the old parser couldn't read is admitted by the new one, and what it refused is refused anew."""
    admission = admit(line(8, 1), line(9, -2))
    assert admission.refused == 1
    mend(lambda frame: frame.with_columns(pl.col("value").abs()))
    assert reparse(archive, "open").changed == 1
    assert read(archive) == {8: 1.0, 9: 2.0}
    with archive.engine.connect() as connection:
        stored = get_reply(connection, 1)
        assert (stored.rows, stored.refused, stored.readings) == (2, 0, 2)
        assert list_refused(connection, feed="open") == []


def test_other_feeds_are_not_read(archive: Archive, admit: Admit, reply: Callable[..., Reply], mend: Mend) -> None:
    """Only the feed that was named is read again; nothing of the reading stays in the folder."""
    admit(line(8, 1))
    archive.admit(archive.keep("closed", reply(line(8, 5))).reply_id)
    mend(double)
    reparse(archive, "closed")
    assert read(archive) == {8: 1.0}
    assert [path for path in archive.folder.iterdir() if path.name.startswith("rereading")] == []


def test_every_feed_is_read_again(archive: Archive, admit: Admit, reply: Callable[..., Reply], mend: Mend) -> None:
    """Those that have replies, each counted for itself; the progress counts the replies of all."""
    admit(line(8, 1))
    admit(line(9, 2))
    archive.admit(archive.keep("derived", reply(line(8, 5))).reply_id)
    mend(double)
    told: list[tuple[int, int]] = []
    assert reparse_all(archive, lambda done, total: told.append((done, total))) == {
        "open": Reread(replies=2, unreadable=0, changed=2, withdrawn=0),
        "derived": Reread(replies=1, unreadable=0, changed=1, withdrawn=0),
    }
    assert told == [(0, 3), (1, 3), (2, 3), (2, 3), (3, 3)]
