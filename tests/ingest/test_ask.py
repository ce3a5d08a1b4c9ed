"""Asking a publisher once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passerelle.archive import Archive
from passerelle.archive.reparse import Reread, reparse_all
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.ingest.ask import Asker, StoppedError
from passerelle.ingest.budget import Budget
from passerelle.lake.contract import Selection
from passerelle.model.errors import BudgetSpentError, InvalidValueError, ReplyError
from passerelle.registry.asks import Ask, find_ask, put_ask
from passerelle.registry.database import writing
from passerelle.registry.events import list_events
from passerelle.registry.replies import ReplyState, get_reply, list_replies

City = Callable[..., Archive]
Make = Callable[..., Asker]


def read_ask(archive: Archive, feed: str = "a") -> Ask:
    with archive.engine.connect() as connection:
        ask = find_ask(connection, feed)
    assert ask is not None
    return ask


def read_told(archive: Archive, *kinds: str) -> list[tuple[str, Any]]:
    """The events of these kinds: kind and reason, or the failures before a recovery."""
    with archive.engine.connect() as connection:
        events = list_events(connection)
    return [
        (event.kind, event.document.get("reason", event.document.get("failures")))
        for event in events
        if event.kind in kinds
    ]


def test_an_answer_is_kept_and_admitted(city: City, asker: Make) -> None:
    """Its value is in the lake, known since it came by this node's clock; the feed is known to answer."""
    archive = city("a")
    before = datetime.now(UTC)
    admission = asker(archive).ask("a")
    assert (admission.state, admission.rows) == (ReplyState.ADMITTED, 1)
    row = archive.lake.read(Selection()).to_pylist()[0]
    assert row["value"] == 120
    assert before <= row["known_since"] <= datetime.now(UTC)
    ask = read_ask(archive)
    assert (ask.failures, ask.reason, ask.reply) == (0, None, admission.reply_id)
    assert ask.answered is not None
    assert before <= ask.asked <= ask.answered


def test_what_did_not_change_is_not_sent_again(city: City, asker: Make, publisher: Any) -> None:
    """The ETag of an answer is sent with the next question; "unchanged" is a check of the reply that is kept."""
    archive = city("a")
    publisher.pages["/a"].headers = {"ETag": '"v1"', "Last-Modified": "Sun, 01 Mar 2026 10:00:00 GMT"}
    first, second = asker(archive).ask("a"), asker(archive).ask("a")
    assert first == second
    told = [(headers.get("if-none-match"), headers.get("if-modified-since")) for _, _, headers in publisher.asked]
    assert told == [(None, None), ('"v1"', "Sun, 01 Mar 2026 10:00:00 GMT")]
    with archive.engine.connect() as connection:
        (reply,) = list_replies(connection)
    assert reply.checks == 1
    assert reply.checked is not None
    assert reply.checked > reply.received
    # What a 304 doesn't repeat still holds.
    asker(archive).ask("a")
    assert publisher.asked[-1][2]["if-modified-since"] == "Sun, 01 Mar 2026 10:00:00 GMT"
    publisher.pages["/a"].headers = {"ETag": '"v2"'}
    publisher.pages["/a"].body = b"2026-03-01T10:00:00Z 121\n"
    assert asker(archive).ask("a").reply_id == first.reply_id + 1
    assert archive.lake.read(Selection())["value"].to_pylist() == [121]
    asker(archive).ask("a")
    assert publisher.asked[-1][2]["if-none-match"] == '"v2"'


def test_all_is_asked_for_where_the_kept_reply_is_not_whole(city: City, asker: Make, publisher: Any) -> None:
    """A lost file, or a reply that came otherwise since: "unchanged" would leave something out, so it isn't offered."""
    archive = city("a")
    publisher.pages["/a"].headers = {"ETag": '"v1"'}
    reply = asker(archive).ask("a").reply_id
    with archive.engine.connect() as connection:
        archive.files.delete(get_reply(connection, reply).sha256)
    assert asker(archive).ask("a").reply_id == reply + 1
    assert "if-none-match" not in publisher.asked[-1][2]
    with archive.engine.connect() as connection:
        assert archive.files.holds(get_reply(connection, reply + 1).sha256)
    asker(archive).ask("a")
    assert publisher.asked[-1][2]["if-none-match"] == '"v1"'
    with writing(archive.engine) as connection:
        put_ask(connection, replace(read_ask(archive), address="of another address"))
    asker(archive).ask("a")
    assert "if-none-match" not in publisher.asked[-1][2]


def test_an_unreadable_answer_is_asked_for_whole_again(city: City, asker: Make, publisher: Any) -> None:
    """HTML with status 200 and an ETag: the feed fails, and the next question doesn't allow "unchanged"."""
    archive = city("a")
    publisher.pages["/a"] = replace(publisher.pages["/a"], body=b"<html>", headers={"ETag": '"page"'})
    for _ in range(2):
        assert asker(archive).ask("a").state is ReplyState.UNREADABLE
    assert "if-none-match" not in publisher.asked[-1][2]
    ask = read_ask(archive)
    assert (ask.failures, ask.reason, ask.answered) == (2, "the answer can't be read: the answer is markup", None)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("hang", "ReadTimeout"),
        ("drip", "longer than 0.8 s"),
        ("cut", "RemoteProtocolError"),
        ("bomb", "more than 1048576 bytes"),
        ("html", "is markup"),
        ("words", "can't be read"),
        ("down", "answered 503"),
        ("gone", "answered 404"),
        ("round", "more than 3 redirects"),
        ("defect", "UnforeseenError: defect"),
    ],
)
def test_each_fault_is_a_failure_with_its_reason(
    city: City, asker: Make, publisher: Any, faults: dict[str, Any], fault: str, says: str
) -> None:
    """Whatever goes wrong is counted and told once, with what it was; nothing of it is in the lake."""
    archive = city(fault)
    publisher.pages[f"/{fault}"] = faults[fault]
    for _ in range(2):
        with contextlib.suppress(Exception):
            assert asker(archive).ask(fault).state is ReplyState.UNREADABLE
    ask = read_ask(archive, fault)
    assert ask.failures == 2
    assert says in str(ask.reason)
    assert len(read_told(archive, "failed")) == 1
    assert archive.lake.read(Selection()).num_rows == 0


def test_a_failure_is_told_first_when_it_changes_and_daily(city: City, asker: Make, publisher: Any) -> None:
    """404 three times, 503, then a day later 503 again, then an answer: four events, the last a recovery after 5."""
    archive, ask = city("a"), None
    for status in (404, 404, 404, 503):
        publisher.pages["/a"].status = status
        with pytest.raises(ReplyError):
            asker(archive).ask("a")
    ask = read_ask(archive)
    assert ask.told is not None
    with writing(archive.engine) as connection:
        put_ask(connection, replace(ask, told=ask.told - timedelta(days=1)))
    with pytest.raises(ReplyError):
        asker(archive).ask("a")
    publisher.pages["/a"].status = 200
    asker(archive).ask("a")
    asker(archive).ask("a")
    where = f"{publisher.url}/a answered"
    assert read_told(archive, "failed", "recovered") == [
        ("failed", f"{where} 404; 200-299 is needed"),
        ("failed", f"{where} 503; 200-299 is needed"),
        ("failed", f"{where} 503; 200-299 is needed"),
        ("recovered", 5),
    ]
    after = read_ask(archive)
    assert (after.failures, after.failing_since, after.reason) == (0, None, None)


def test_by_hand_and_by_plan_spend_one_budget(city: City, asker: Make, publisher: Any) -> None:
    """Two calls an hour to a host: the third is refused before it goes out, of whichever feed, and is no failure."""
    archive = city("a", "b")
    budgets = [Budget("two", (publisher.host,), 2, 3600, "tests")]
    asker(archive, budgets).ask("a")
    asker(archive, budgets).ask("b")
    with pytest.raises(BudgetSpentError, match="2 calls in 3600 s"):
        asker(archive, budgets).ask("a")
    assert len(publisher.asked) == 2
    assert read_ask(archive).failures == 0


def test_too_many_requests_holds_all_feeds_of_the_host(city: City, asker: Make, publisher: Any) -> None:
    """After a 429 that asks for 30 s no feed of that host is asked meanwhile."""
    archive = city("a", "b")
    publisher.pages["/a"].status, publisher.pages["/a"].headers = 429, {"Retry-After": "30"}
    one = asker(archive)
    with pytest.raises(ReplyError, match="answered 429"):
        one.ask("a")
    for feed in ("a", "b"):
        with pytest.raises(BudgetSpentError) as refused:
            one.ask(feed)
        assert 29 < refused.value.wait_s <= 30
    assert len(publisher.asked) == 1


def test_a_missing_key_is_told_and_costs_no_call(city: City, asker: Make, publisher: Any) -> None:
    """Without the variable that holds its key a feed fails with the variable's name; nothing is asked or spent."""
    archive = city("a", key="CITY_KEY")
    budgets = [Budget("two", (publisher.host,), 2, 3600, "tests")]
    with pytest.raises(InvalidValueError, match="CITY_KEY"):
        asker(archive, budgets).ask("a")
    assert "CITY_KEY" in str(read_ask(archive).reason)
    assert (publisher.asked, asker(archive, budgets).budgets.read_use(publisher.host, datetime.now(UTC))[0].used) == (
        [],
        0,
    )
    asker(archive, budgets, CITY_KEY="s3cret").ask("a")
    assert publisher.asked[0][2]["x-key"] == "s3cret"


def test_a_fetched_reply_is_read_again(
    city: City, asker: Make, publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its parser is mended one call reads again what was fetched; each reading is known since its own time."""
    archive = city("a")
    publisher.pages["/a"].headers = {"ETag": '"v1"'}
    asker(archive).ask("a")
    asker(archive).ask("a")
    between = datetime.now(UTC)
    form = FORMS["counts"]

    def mended(reply: Reply, feed: Feed) -> Parsed:
        return form.parse(replace(reply, body=reply.body.replace(b" 120", b" 12")), feed)

    monkeypatch.setitem(FORMS, "counts", replace(form, parse=mended))
    assert reparse_all(archive) == {"a": Reread(replies=1, unreadable=0, changed=1, withdrawn=0)}
    assert archive.lake.read(Selection())["value"].to_pylist() == [12]
    assert archive.lake.read(Selection(as_known_at=between))["value"].to_pylist() == [120]
    known = archive.lake.history(Selection())["known_since"].to_pylist()
    assert known[0] < between < known[1]
    # And the plan goes on: "unchanged" is still said of the same reply.
    assert asker(archive).ask("a").reply_id == 1
    assert archive.lake.read(Selection())["value"].to_pylist() == [12]


def test_an_answer_that_comes_after_the_end_is_dropped(city: City, asker: Make, publisher: Any) -> None:
    """A node that stops doesn't wait for a publisher, and what comes then reaches neither lake nor registry."""
    archive = city("a")
    publisher.pages["/a"].act = lambda handler: time.sleep(0.3) or publisher.pages["/late"].act(handler)
    publisher.pages["/late"] = replace(publisher.pages["/a"], act=lambda handler: handler.wfile.write(LATE))
    one, ended = asker(archive), []

    def ask() -> None:
        try:
            one.ask("a")
        except StoppedError:
            ended.append(True)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.1)
    began = time.monotonic()
    one.stop(5)
    assert time.monotonic() - began < 0.2
    thread.join()
    assert ended == [True]
    with archive.engine.connect() as connection:
        assert list_replies(connection) == []
        assert find_ask(connection, "a") is None


LATE = b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n2026-03-01T10:00:00Z 120\n"
