"""How a feed has fared: its lights, what the checks mark, its replies with their bytes, and its refused rows."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.v1.test_lists import list_all
from tests.api.v1.test_trust import wait_for
from tests.conftest import RunningCity

MEAN = "geodair-no2-mean"
FILE = "data/geodair_no2/pollution_paris_no2_daily_clean.csv"


@pytest.fixture(scope="module")
def client(paris: RunningCity) -> Iterator[httpx.Client]:
    """Asks the running Paris once the feed is judged."""
    with paris.client() as client:
        wait_for(lambda: client.get(f"/feeds/{MEAN}").json()["trust"] is not None)
        yield client


@pytest.fixture(scope="module")
def record(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get(f"/feeds/{MEAN}/record").json())


def test_the_lights_that_were_said(client: httpx.Client, record: dict[str, Any]) -> None:
    """The newest is the feed's own light, and still holds."""
    trust = client.get(f"/feeds/{MEAN}").json()["trust"]
    newest = record["said"][0]
    assert (newest["light"], newest["since"], newest["until"]) == (trust["light"], trust["since"], None)
    assert newest["lights"] == trust["lights"]


def test_periods_are_the_citys_months(client: httpx.Client, record: dict[str, Any]) -> None:
    """Each begins where the last ended, at midnight in Paris; they hold all that is held of the feed."""
    periods = record["periods"]
    assert [one["end"] for one in periods[:-1]] == [one["start"] for one in periods[1:]]
    assert {one["start"][11:] for one in periods} == {"22:00:00Z", "23:00:00Z"}
    series = client.get("/series", params={"feed": MEAN}).json()["items"]
    assert periods[0]["start"] <= min(one["first"] for one in series)
    assert periods[-1]["end"] > max(one["last"] for one in series)
    assert max(one["series"] for one in periods) == 2


def test_a_months_red_share_is_that_of_its_marks(client: httpx.Client, record: dict[str, Any]) -> None:
    """The red time of the marks in a month, over that of its series, as the marks' own starts and ends say it."""
    marks = [one["mark"] for one in list_all(client, f"/feeds/{MEAN}/marks", light="red", limit=1000)]
    assert marks
    worst = max(record["periods"], key=lambda one: one["red"])
    start, end = (datetime.fromisoformat(worst[name]) for name in ("start", "end"))
    spans = [(datetime.fromisoformat(mark["start"]), datetime.fromisoformat(mark["end"])) for mark in marks]
    parts = (min(until, end) - max(since, start) for since, until in spans if since < end and until > start)
    inside = sum(parts, timedelta())
    assert worst["red"] == pytest.approx(min(inside / (worst["series"] * (end - start)), 1))
    assert worst["light"] == ("red" if worst["red"] > 0.1 else "amber")


def test_marks_come_latest_first_with_their_evidence(client: httpx.Client, record: dict[str, Any]) -> None:
    """As many as the record counts by check and light; pages of them are the list; each names its series."""
    marks = list_all(client, f"/feeds/{MEAN}/marks", limit=2)
    starts = [one["mark"]["start"] for one in marks]
    assert starts == sorted(starts, reverse=True)
    assert len(marks) == sum(one["red"] + one["amber"] for one in record["checks"])
    for check in record["checks"]:
        found = list_all(client, f"/feeds/{MEAN}/marks", check=check["check"], light="red", limit=1000)
        assert len(found) == check["red"]
        assert {one["mark"]["check"] for one in found} <= {check["check"]}
    one = next(one for one in marks if one["mark"]["series"] is not None)
    assert one["mark"]["evidence"]
    assert one["title"] == client.get(f"/series/{one['mark']['series']}").json()["title"]


def test_evidence_stays_where_rows_may_not_leave(client: httpx.Client) -> None:
    """The marks of a feed that is declared derived say why in words, and show no row."""
    wait_for(lambda: client.get("/feeds/geodair-no2-max").json()["trust"] is not None)
    marks = list_all(client, "/feeds/geodair-no2-max/marks", limit=1000)
    assert marks
    assert {str(one["mark"]["evidence"]) for one in marks} == {"{}"}


def test_replies_by_what_became_of_them(client: httpx.Client, record: dict[str, Any]) -> None:
    """The file was admitted; nothing was unreadable; nobody asks for it, so that no cadence is measured."""
    assert (record["replies"], record["measured_seconds"]) == ({"admitted": 1}, None)
    assert len(client.get(f"/feeds/{MEAN}/replies", params={"became": "admitted"}).json()["items"]) == 1
    assert client.get(f"/feeds/{MEAN}/replies", params={"became": "unreadable"}).json()["items"] == []
    assert client.get(f"/feeds/{MEAN}/replies", params={"became": "lost"}).status_code == 400


def test_a_replys_bytes_are_the_publishers(client: httpx.Client, checkout: Path) -> None:
    """What is saved is the file that was imported, byte for byte, and never shown as a page."""
    reply = client.get(f"/feeds/{MEAN}/replies").json()["items"][0]
    answer = client.get(f"/feeds/{MEAN}/replies/{reply['id']}/body")
    assert answer.content == (checkout / FILE).read_bytes()
    assert hashlib.sha256(answer.content).hexdigest() == reply["sha256"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="pollution_paris_no2_daily_clean.csv"'


@pytest.mark.parametrize(
    ("feed", "reply", "status"),
    [("geodair-no2-max", None, 403), (MEAN, 99_999, 404), ("autolib-stations", "other", 404)],
)
def test_bytes_that_are_not_given(client: httpx.Client, feed: str, reply: object, status: int) -> None:
    """Those of a feed that may not leave are a 403; a number that isn't the feed's is a 404."""
    other = MEAN if reply == "other" else feed
    number = reply if isinstance(reply, int) else client.get(f"/feeds/{other}/replies").json()["items"][0]["id"]
    assert client.get(f"/feeds/{feed}/replies/{number}/body").status_code == status


def test_refused_rows_as_one_file(client: httpx.Client) -> None:
    """The CSV has the rows of the list; where rows may not leave neither comes."""
    for feed in (MEAN, "autolib-stations"):
        listed = list_all(client, f"/feeds/{feed}/refused", limit=1000)
        text = client.get(f"/feeds/{feed}/refused", params={"format": "csv"}).text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(int(row["reply"]), int(row["row"]), row["reason"], row["raw"]) for row in rows] == [
            (one["reply"], one["row"], one["reason"], one["raw"]) for one in listed
        ]
        reasons = client.get(f"/feeds/{feed}/record").json()["refused"]
        assert sum(one["rows"] for one in reasons) == len(rows)
    assert client.get("/feeds/geodair-no2-max/refused", params={"format": "csv"}).status_code == 403
