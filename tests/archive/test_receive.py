"""Posted batches: all or nothing, checked against the registered series."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from passerelle.archive import Archive, Sender
from passerelle.archive.receive import One
from passerelle.lake.committer import Answer, Batch
from passerelle.lake.contract import Receipt, Selection
from passerelle.model.errors import IdempotencyError, InvalidValueError, RefusedRowsError, UnknownNameError
from passerelle.model.observation import OBSERVATION
from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.registry.places import get_place
from passerelle.registry.replies import ReplyState, get_reply
from passerelle.registry.tokens import Scope, find_token

HOUR = timedelta(hours=1)
START = datetime(2021, 3, 1, 10, 0, tzinfo=UTC)
RIVOLI = Series("open", "rivoli", "bicycle_count")
OTHER = Series("derived", "rivoli", "bicycle_count")
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def sender(archive: Archive) -> Sender:
    archive.register([Place("rivoli", "counter", "Rivoli", point(2.3522, 48.8566))], [RIVOLI, OTHER])
    token, _ = archive.create_token(name="box", scope=Scope.OBSERVATIONS, feed="open")
    assert token.source is not None
    return Sender("open", token.source)


def batch(*values: float | None, series: int = RIVOLI.number, start: datetime = START) -> pa.Table:
    starts = [start + at * HOUR for at in range(len(values))]
    columns = [[series] * len(values), starts, [one + HOUR for one in starts], list(values), [None] * len(values)]
    return pa.table(columns, schema=OBSERVATION)


def test_a_batch_is_received(archive: Archive, sender: Sender) -> None:
    """Its rows are in the lake, known since now and traced to the token's posts."""
    before = datetime.now(UTC)
    posted = archive.receive(batch(1, 2, 3), sender, None, b"x")
    assert (posted.rows, posted.repeated) == (3, False)
    rows = archive.lake.read(Selection(series=[RIVOLI.number])).to_pylist()
    assert [row["value"] for row in rows] == [1.0, 2.0, 3.0]
    assert {row["source"] for row in rows} == {sender.source}
    assert before <= rows[0]["known_since"] <= datetime.now(UTC)
    with archive.engine.connect() as connection:
        source = get_reply(connection, sender.source)
    assert (source.state, source.name, source.feed) == (ReplyState.POSTED, "box", "open")


def test_one_faulty_row_refuses_all(archive: Archive, sender: Sender) -> None:
    """The error counts the faulty rows, shows twenty, and none of the batch is kept."""
    values: list[float | None] = [float(at) for at in range(100)]
    values[10:40] = [-1.0] * 30
    with pytest.raises(RefusedRowsError, match="30 of 100 rows") as caught:
        archive.receive(batch(*values), sender, None, b"x")
    first = caught.value.faults[0]
    assert (first.where, first.came, first.allowed) == (
        "observations[10].value",
        "-1.0",
        "0 to 20000 {bicycle} (bicycle_count)",
    )
    assert (len(caught.value.faults), caught.value.faulty) == (20, 30)
    assert archive.lake.read(Selection()).num_rows == 0


@pytest.mark.parametrize(
    ("rows", "where", "allowed"),
    [
        (batch(1, series=5), "observations[0].series", "register it first"),
        (batch(1, series=-5), "observations[0].series", "register it first"),
        (batch(1, series=OTHER.number), "observations[0].series", "series of 'open'"),
        (batch(None), "observations[0].reason", "a value, or a reason"),
        (batch(float("nan")), "observations[0].value", "a finite number"),
        (batch(1, start=datetime(2400, 1, 1, tzinfo=UTC)), "observations[0].start", "1800 to 2200"),
        (batch(1, start=datetime(1700, 1, 1, tzinfo=UTC)), "observations[0].start", "1800 to 2200"),
    ],
)
def test_an_error_says_where_and_what(
    archive: Archive, sender: Sender, rows: pa.Table, where: str, allowed: str
) -> None:
    """Each fault names its field and what would be allowed there."""
    with pytest.raises(RefusedRowsError) as caught:
        archive.receive(rows, sender, None, b"x")
    assert caught.value.faults[0].where == where
    assert allowed in caught.value.faults[0].allowed


def test_times_beyond_any_calendar_are_refused(archive: Archive, sender: Sender) -> None:
    """A time that Python itself can't hold, sent as an Arrow integer, is an error like any other."""
    far = pa.array([2**62], pa.int64()).cast(OBSERVATION.field("start").type)
    rows = batch(1).set_column(1, OBSERVATION.field("start"), far)
    with pytest.raises(RefusedRowsError):
        archive.receive(rows, sender, None, b"x")


def test_a_row_without_a_time_is_refused(archive: Archive, sender: Sender) -> None:
    """A null where none may stand is refused, though Arrow let it through."""
    rows = batch(1).set_column(1, OBSERVATION.field("start"), pa.nulls(1, OBSERVATION.field("start").type))
    with pytest.raises(InvalidValueError, match="start"):
        archive.receive(rows, sender, None, b"x")


def test_other_columns_are_refused(archive: Archive, sender: Sender) -> None:
    """A batch of another schema says which columns came and which are needed."""
    with pytest.raises(InvalidValueError, match="value int64"):
        archive.receive(batch(1).set_column(3, "value", pa.array([1])), sender, None, b"x")


def test_a_key_that_comes_again(archive: Archive, sender: Sender) -> None:
    """The same key and content is a repeat that adds nothing, another content an error; without key all are new."""
    assert not archive.receive(batch(1), sender, "k", b"one").repeated
    assert archive.receive(batch(1), sender, "k", b"one").repeated
    with pytest.raises(IdempotencyError):
        archive.receive(batch(2), sender, "k", b"two")
    for value in (2, 1):
        assert not archive.receive(batch(value), sender, None, b"").repeated
    assert archive.lake.history(Selection()).num_rows == 3


def test_a_key_belongs_to_its_sender(archive: Archive, sender: Sender) -> None:
    """Two senders may use the same word for their keys."""
    token, _ = archive.create_token(name="other", scope=Scope.OBSERVATIONS, feed="open")
    assert token.source is not None
    archive.receive(batch(1), sender, "k", b"one")
    assert not archive.receive(batch(2), Sender("open", token.source), "k", b"two").repeated


def test_single_observations(archive: Archive, sender: Sender) -> None:
    """An observation with a value and nothing wrong goes in without a table, with others; no other does."""
    start = (START - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
    hour = HOUR // MICROSECOND
    now = archive.clock.read()

    def find(at: int, value: float | None, reason: str | None = None, key: str | None = None) -> Batch | None:
        one = One(RIVOLI.number, start + at * hour, start + (at + 1) * hour, value, reason)
        return archive.find_single(one, sender, key, b"x", now)

    for refused in (find(0, None, "broken"), find(0, -7.0), find(0, 7.0, "broken"), find(0, float("nan"))):
        assert refused is None
    told: Future[list[Answer]] = Future()
    batches = [find(0, 7.0, key="k"), find(1, 8.0), find(2, 9.0, key="k")]
    archive.lake.submit_all([batch for batch in batches if batch is not None], told.set_result)
    assert told.result() == [Receipt(1, False), Receipt(1, False), Receipt(1, True)]
    assert archive.lake.read(Selection())["value"].to_pylist() == [7.0, 8.0]


def test_a_series_is_registered_in_a_feed_that_measures_it(archive: Archive) -> None:
    """A quantity that the feed doesn't declare, or a feed that the city doesn't have, is refused by name."""
    with pytest.raises(UnknownNameError, match="reports_opened"):
        archive.register([], [Series("open", "rivoli", "reports_opened")])
    with pytest.raises(UnknownNameError, match="nowhere"):
        archive.register([], [Series("nowhere", "rivoli", "bicycle_count")])


def test_a_sender_describes_its_own_places_only(archive: Archive, sender: Sender) -> None:
    """Where another feed measures too, registering leaves the place as it was; a place of one's own changes."""
    own = Series("open", "box", "bicycle_count")
    for name in ("Box", "Box, moved"):
        archive.register([Place("rivoli", "joke", name, point(0, 0)), Place("box", "counter", name)], [RIVOLI, own])
    with archive.engine.connect() as connection:
        assert get_place(connection, "rivoli").name == "Rivoli"
        assert get_place(connection, "box").name == "Box, moved"
    assert archive.receive(batch(1, series=own.number), sender, None, b"").rows == 1


def test_a_token_for_another_feed_is_refused(archive: Archive) -> None:
    """A token needs a feed of this city."""
    with pytest.raises(UnknownNameError, match="nowhere"):
        archive.create_token(name="x", scope=Scope.OBSERVATIONS, feed="nowhere")


def test_a_token_is_found_by_its_secret(archive: Archive) -> None:
    """The secret given once finds the token; it is in no file of the folder."""
    token, secret = archive.create_token(name="officer", scope=Scope.OFFICER)
    with archive.engine.connect() as connection:
        assert find_token(connection, secret) == token
        assert find_token(connection, secret[:-1] + "?") is None
    files = [path for path in archive.folder.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
