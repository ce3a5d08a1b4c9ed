"""The light of series and feeds, in every answer that uses them."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.conftest import RunningCity

MEAN = "geodair-no2-mean"
NAMED = timedelta(days=5)


@pytest.fixture(scope="module")
def client(paris: RunningCity) -> Iterator[httpx.Client]:
    """Asks the running Paris once all its feeds are judged."""
    with paris.client() as client:
        wait_for(lambda: all(feed["trust"] for feed in client.get("/feeds").json()["items"] if feed["observations"]))
        yield client


@pytest.fixture(scope="module")
def late(paris: RunningCity, client: httpx.Client) -> dict[str, Any]:
    """A counter, posted to, whose last value is of 2021: the declared interval is a day."""
    headers = {"authorization": f"Bearer {paris.sender}"}
    place = {"id": "counter:late", "kind": "counter", "name": "Late"}
    body = {"place": place, "quantity": "bicycle_count"}
    series = client.post("/series", json=body, headers=headers).json()
    row = {"series": series["id"], "start": "2021-03-01T10:00:00Z", "end": "2021-03-01T11:00:00Z", "value": 5}
    assert client.post("/observations", json=row, headers=headers).status_code == 201
    wait_for(lambda: client.get(f"/series/{series['id']}").json()["trust"] is not None)
    return dict(client.get(f"/series/{series['id']}").json())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert condition()


def test_series_that_are_fine_are_green(client: httpx.Client) -> None:
    """Geod'air's means have ended: no freshness is expected, and the light ends with the data."""
    answer = client.get(f"/feeds/{MEAN}/trust").json()
    assert [item["light"] for item in answer["items"]] == ["green", "green"]
    assert answer["next"] is None
    assert {item["message"] for item in answer["items"]} == {None}
    feed = client.get(f"/feeds/{MEAN}").json()["trust"]
    assert (feed["light"], feed["lights"]) == ("green", {"green": 2, "amber": 0, "red": 0})


def test_the_list_is_paged(client: httpx.Client) -> None:
    """One item, then the other, then no more."""
    first = client.get(f"/feeds/{MEAN}/trust", params={"limit": 1}).json()
    second = client.get(f"/feeds/{MEAN}/trust", params={"limit": 1, "cursor": first["next"]}).json()
    assert len({item["series"] for item in first["items"] + second["items"]}) == 2
    assert second["next"] is None


def test_a_red_series_names_its_last_good_row_and_who_owns_it(client: httpx.Client, late: dict[str, Any]) -> None:
    """Worst first; the last good row is the only one there is, and the message is ready in both languages."""
    worst = client.get("/feeds/bike-counters/trust").json()["items"][0]
    assert worst["light"] == "red"
    assert late["trust"]["light"] == "red"
    item = next(one for one in client.get("/feeds/bike-counters/trust").json()["items"] if one["series"] == late["id"])
    assert item["last_good"] == {"start": "2021-03-01T10:00:00Z", "end": "2021-03-01T11:00:00Z", "value": 5.0}
    assert item["owner"] == "Ville de Paris"
    assert [mark["check"] for mark in item["reasons"]] == ["freshness"]
    assert "The last good value is 5, of 1 March 2021, 11:00." in item["message"]["body"]["en"]
    assert item["reasons"][0]["reason"]["fr"] in item["message"]["body"]["fr"]
    feed = client.get("/feeds/bike-counters").json()["trust"]
    assert feed["lights"]["red"] >= 1
    assert feed["reasons"][0]["check"] == "freshness"
    assert "Bonjour" in feed["message"]["body"]["fr"]


def test_observations_carry_the_light_of_the_window(client: httpx.Client, late: dict[str, Any]) -> None:
    """The hour that has a value is green, the four hours after it are red: in JSON, and in each form's own place."""
    path = f"/series/{late['id']}/observations"
    hour = {"start": "2021-03-01T10:00:00Z", "end": "2021-03-01T11:00:00Z"}
    assert client.get(path, params=hour).json()["trust"]["light"] == "green"
    both = {"start": "2021-03-01T10:00:00Z", "end": "2021-03-01T15:00:00Z"}
    answer = client.get(path, params=both)
    assert (answer.json()["trust"]["light"], answer.json()["trust"]["red_share"]) == ("red", 0.8)
    assert answer.headers["passerelle-trust"] == "red; red-share=0.8000"
    assert client.get(path, params={**both, "format": "csv"}).headers["passerelle-trust"] == "red; red-share=0.8000"
    table = pq.read_table(io.BytesIO(client.get(path, params={**both, "format": "parquet"}).content))
    stream = pa.ipc.open_stream(client.get(path, params={**both, "format": "arrow"}).content).read_all()
    for read in (table, stream):
        assert json.loads(read.schema.metadata[b"passerelle.trust"])["light"] == "red"


def test_a_light_can_be_shown_as_it_was_said(client: httpx.Client, paris: RunningCity, late: dict[str, Any]) -> None:
    """Before anything was judged there was no light; what is said now is said as of now too."""
    before = {"as_known_at": (paris.imported - NAMED).isoformat()}
    items = client.get("/feeds/bike-counters/trust", params=before).json()["items"]
    assert {item["light"] for item in items} == {None}
    now = {"as_known_at": datetime.now(UTC).isoformat()}
    items = client.get("/feeds/bike-counters/trust", params=now).json()["items"]
    assert next(item for item in items if item["series"] == late["id"])["light"] == "red"


def test_the_whole_of_a_series_can_be_asked_for(client: httpx.Client, late: dict[str, Any]) -> None:
    """From its one value of 2021 to now it is red, but for the hour itself; another window beside it is a 400."""
    items = client.get("/feeds/bike-counters/trust", params={"whole": True}).json()["items"]
    item = next(one for one in items if one["series"] == late["id"])
    assert (item["start"], item["light"]) == ("2021-03-01T10:00:00Z", "red")
    assert item["red"][0][0] == "2021-03-01T11:00:00Z"
    both = {"whole": True, "start": "2021-03-01T00:00:00Z"}
    assert client.get("/feeds/bike-counters/trust", params=both).status_code == 400


def test_a_window_must_run_forward(client: httpx.Client) -> None:
    """`end` before `start` is a 400 that names it."""
    span = {"start": "2021-03-02T00:00:00Z", "end": "2021-03-01T00:00:00Z"}
    answer = client.get(f"/feeds/{MEAN}/trust", params=span)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, "end")
