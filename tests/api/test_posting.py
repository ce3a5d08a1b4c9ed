"""`POST /observations`: three forms, one meaning; all or nothing; once, however often it is sent."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from passerelle.api.bodies import ARROW_STREAM
from passerelle.api.build import Api
from passerelle.api.node import Node
from passerelle.archive.archive import Archive
from passerelle.archive.folder import CITY, FolderLock, create_folder, read_key
from passerelle.feeds.city import read_city
from passerelle.lake.ducklake import open_lake
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.tokens import Scope

HOUR = {"start": "2021-01-16T17:00:00Z", "end": "2021-01-16T18:00:00Z"}


def authorise(paris: Any, **headers: str) -> dict[str, str]:
    """The sender's headers."""
    return {"authorization": f"Bearer {paris.sender}", **headers}


@pytest.fixture
def series(paris: Any) -> str:
    """The id of a new series of the sender's feed."""
    body = {"place": {"id": f"counter-{uuid.uuid4()}", "kind": "counter", "name": "Rue X"}, "quantity": "bicycle_count"}
    with paris.client() as client:
        answer = client.post("/series", json=body, headers=authorise(paris))
    assert answer.status_code == 201
    return str(answer.json()["id"])


def read(paris: Any, series: str, **params: str) -> list[dict[str, Any]]:
    """The series' observations."""
    with paris.client() as client:
        items: list[dict[str, Any]] = client.get(f"/series/{series}/observations", params=params).json()["items"]
    return items


def write_arrow(frame: pl.DataFrame) -> bytes:
    """`frame` as an Arrow stream."""
    sink = io.BytesIO()
    frame.write_ipc_stream(sink, compat_level=pl.CompatLevel.oldest())
    return sink.getvalue()


def test_the_three_forms_say_the_same(paris: Any, series: str) -> None:
    """The same observation as JSON alone, in a list, as CSV and as Arrow reads back the same; a zone is resolved."""
    row = {"series": series, **HOUR, "value": 5}
    local = {"series": series, "start": "2021-01-16T18:00:00+01:00", "end": "2021-01-16T19:00:00+01:00", "value": 5.0}
    times = [pl.col(name).str.to_datetime(time_unit="ms", time_zone="UTC") for name in ("start", "end")]
    bodies = [
        ("application/json", json.dumps(row).encode()),
        ("application/json; charset=utf-8", json.dumps({"observations": [local]}, indent=2).encode()),
        ("text/csv", f"series,start,end,value\n{series},{local['start']},{local['end']},5\n".encode()),
        (ARROW_STREAM, write_arrow(pl.DataFrame([row]).with_columns(times))),
    ]
    with paris.client() as client:
        for kind, body in bodies:
            answer = client.post("/observations", content=body, headers=authorise(paris, **{"content-type": kind}))
            assert answer.status_code == 201, answer.text
            assert answer.json()["rows"] == 1
    found = read(paris, series)
    assert [(one["start"], one["end"], one["value"]) for one in found] == [(HOUR["start"], HOUR["end"], 5.0)]
    assert len(read(paris, series, versions="true")) == 1


def test_what_is_acknowledged_is_read_as_known_then(paris: Any, series: str) -> None:
    """A, then B, then A again are three versions; at each `known_since` the value is the one just sent."""
    with paris.client() as client:
        rows = [{"series": series, **HOUR, "value": value} for value in (1, 2, 1)]
        known = [client.post("/observations", json=row, headers=authorise(paris)).json()["known_since"] for row in rows]
    assert [one["value"] for one in read(paris, series, versions="true")] == [1, 2, 1]
    assert [one["known_since"] for one in read(paris, series, versions="true")] == known
    assert [read(paris, series, as_known_at=moment)[0]["value"] for moment in known] == [1, 2, 1]


def test_a_withdrawal_leaves_its_reason_in_the_history(paris: Any, series: str) -> None:
    """A null with a reason takes the value out of the reads and stays in the versions."""
    with paris.client() as client:
        for row in ({"value": 7}, {"value": None, "reason": "counter was blocked"}):
            answer = client.post("/observations", json={"series": series, **HOUR, **row}, headers=authorise(paris))
            assert answer.status_code == 201
    assert read(paris, series) == []
    assert [(one["value"], one["reason"]) for one in read(paris, series, versions="true")] == [
        (7.0, None),
        (None, "counter was blocked"),
    ]


def test_a_key_makes_a_body_count_once(paris: Any, series: str) -> None:
    """The same body under the same key is repeated, another one is a 422; both for one row and for several."""
    row = {"series": series, **HOUR, "value": 3}
    for body, other in ((row, {**row, "value": 4}), ({"observations": [row]}, {"observations": [{**row, "value": 4}]})):
        headers = authorise(paris, **{"idempotency-key": str(uuid.uuid4())})
        with paris.client() as client:
            answers = [client.post("/observations", json=each, headers=headers) for each in (body, body, other)]
        assert [answer.status_code for answer in answers] == [201, 201, 422]
        assert [answer.json()["repeated"] for answer in answers[:2]] == [False, True]
        assert answers[2].json()["type"].endswith("/idempotency")
    assert [one["value"] for one in read(paris, series)] == [3.0]


def test_one_bad_row_keeps_all_out(paris: Any, series: str) -> None:
    """A batch with a value below its bound is a 422 that names the row, and nothing of it is kept."""
    rows = [{"series": series, **HOUR, "value": 1}, {"series": series, **HOUR, "value": -1}]
    with paris.client() as client:
        answer = client.post("/observations", json={"observations": rows}, headers=authorise(paris))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "observations[1].value"
    assert answer.json()["errors"][0]["came"] == "-1.0"
    assert read(paris, series, versions="true") == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "where"),
    [
        ("application/json", b"{", 400, None),
        ("application/json", b"[]", 422, "body"),
        ("application/json", b"{}", 422, "body"),
        ("application/json", b'{"observations": []}', 422, "body"),
        ("application/json", b'{"observations": [{}]}', 422, "observations[0]"),
        ("application/json", b'{"series": "x", "start": "2021", "end": "2022", "value": 1}', 422, "series"),
        ("application/json", b'{"series": "0000000000011", "start": "2021", "end": "2022", "value": 1}', 422, "start"),
        ("application/json", b'{"series": "0000000000011", "when": "2021"}', 422, "body"),
        ("text/csv", b"", 422, "header"),
        ("text/csv", b"a,b\n1,2\n", 422, "header"),
        ("text/csv", b"series,start,end,value\n", 422, "body"),
        ("text/csv", b"series,start,end,value\nx,y,z,w\n", 422, "row 1, value"),
        ("text/csv", b"series,start,end,value\n1,2,3,4,5,6\n", 400, None),
        ("text/csv", b"series,start,end,value\n\xff\xfe,2,3,4\n", 400, None),
        (ARROW_STREAM, b"not arrow", 400, None),
        (ARROW_STREAM, write_arrow(pl.DataFrame({"a": [1]})), 422, "columns"),
        (ARROW_STREAM, write_arrow(pl.DataFrame({"series": ["x"], "start": ["a"], "end": ["b"]})), 422, "start"),
        ("application/xml", b"<a/>", 415, "content-type"),
        ("", b"{}", 415, "content-type"),
    ],
)
def test_bodies_that_are_refused(paris: Any, content_type: str, body: bytes, status: int, where: str | None) -> None:
    """Each body that can't be kept is refused with the place it is about."""
    with paris.client() as client:
        headers = authorise(paris, **{"content-type": content_type})
        answer = client.post("/observations", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert where is None or where in [error["where"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, "unauthenticated"),
        ({"authorization": "Basic eDp5"}, 401, "unauthenticated"),
        ({"authorization": "Bearer"}, 401, "unauthenticated"),
        ({"authorization": "Bearer psr_unknown"}, 401, "unauthenticated"),
        ({"authorization": "Bearer OFFICER"}, 403, "forbidden"),
        ({"authorization": "Bearer SENDER", "content-encoding": "gzip"}, 415, "unsupported-media"),
        ({"authorization": "Bearer SENDER", "idempotency-key": "k" * 256}, 400, "invalid-parameter"),
        ({"authorization": "Bearer SENDER", "idempotency-key": ""}, 400, "invalid-parameter"),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_headers_that_are_refused(
    paris: Any, series: str, headers: dict[str, str], status: int, kind: str, several: bool
) -> None:
    """Who may not write, and headers that can't be taken, are refused alike for one row and for several."""
    named = {
        name: text.replace("OFFICER", paris.officer).replace("SENDER", paris.sender) for name, text in headers.items()
    }
    row = {"series": series, **HOUR, "value": 1}
    with paris.client() as client:
        answer = client.post("/observations", json={"observations": [row]} if several else row, headers=named)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/api/v1/problems/{kind}")
    assert read(paris, series) == []
    assert status != 401 or answer.headers["www-authenticate"].startswith("Bearer")


def test_a_series_of_another_feed_is_not_the_senders(paris: Any) -> None:
    """A token writes to its own feed: a row of another feed's series is a 422 that names it."""
    with paris.client() as client:
        other = client.get("/series?feed=geodair-no2-mean&limit=1").json()["items"][0]["id"]
        answer = client.post("/observations", json={"series": other, **HOUR, "value": 1}, headers=authorise(paris))
    assert answer.status_code == 422
    assert "geodair-no2-mean" in answer.json()["errors"][0]["came"]


def test_a_query_makes_no_difference_to_the_rules(paris: Any, series: str) -> None:
    """An unknown parameter is a 400 here too, and the body isn't kept."""
    with paris.client() as client:
        row = {"series": series, **HOUR, "value": 1}
        answer = client.post("/observations?dry=1", json=row, headers=authorise(paris))
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, "dry")
    assert read(paris, series) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_32_mib_is_a_413(paris: Any, announced: bool) -> None:
    """Too large a body is refused, announced by its length or not."""

    def pieces() -> Iterator[bytes]:
        for _ in range(33):
            yield b" " * 1024**2

    content: Any = b" " * (33 * 1024**2) if announced else pieces()
    with paris.client() as client:
        headers = authorise(paris, **{"content-type": "application/json"})
        try:
            status = client.post("/observations", content=content, headers=headers).status_code
        except httpx.WriteError:
            status = 413  # The node closed the connection before all was sent.
    assert status == 413


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_cut_off_is_not_taken_for_a_whole(paris: Any, series: str, chunked: bool) -> None:
    """Of a CSV whose sender goes away after some whole rows nothing is kept."""
    rows = [f"{series},2021-01-16T{hour:02}:00:00Z,2021-01-16T{hour + 1:02}:00:00Z,1\n" for hour in range(10)]
    body = ("series,start,end,value\n" + "".join(rows)).encode()
    length = "transfer-encoding: chunked" if chunked else f"content-length: {2 * len(body)}"
    head = (
        f"POST /api/v1/observations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\n"
        f"authorization: Bearer {paris.sender}\r\n{length}\r\n\r\n"
    )
    sent = f"{len(body):x}\r\n".encode() + body + b"\r\n" if chunked else body
    with socket.create_connection(("127.0.0.1", httpx.URL(paris.url).port)) as connection:
        connection.sendall(head.encode() + sent)
        time.sleep(0.2)
    time.sleep(0.3)
    assert read(paris, series, versions="true") == []


def test_a_revoked_token_is_of_no_use(paris: Any) -> None:
    """Revoking takes effect with the next request, though tokens are remembered."""
    officer = {"authorization": f"Bearer {paris.officer}"}
    with paris.client() as client:

        def do(job: str, **arguments: Any) -> Any:
            lines = client.post(f"/jobs/{job}", json=arguments, headers=officer).text.splitlines()
            return json.loads(lines[-1])["result"]

        made = do("create-token", name="short", scope="write:observations", feed="bike-counters")
        bearer = {"authorization": f"Bearer {made['secret']}"}
        body = {"place": {"id": "p", "kind": "counter", "name": "P"}, "quantity": "bicycle_count"}
        before = client.post("/series", json=body, headers=bearer).status_code
        do("revoke-token", id=made["id"])
        after = client.post("/series", json=body, headers=bearer).status_code
        listed = {token["id"]: token for token in do("list-tokens")}
    assert (before, after) == (201, 401)
    assert listed[made["id"]]["revoked"] is not None
    assert "secret" not in {name for name, value in listed[made["id"]].items() if value is not None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"place": {"id": "p", "kind": "c", "name": "P"}, "quantity": "mood"}, 422),
        ({"place": {"id": "p", "kind": "c", "name": "P"}, "quantity": "no2_daily_mean"}, 422),
        ({"place": {"id": "", "kind": "c", "name": "P"}, "quantity": "bicycle_count"}, 422),
        ({"quantity": "bicycle_count"}, 400),
    ],
)
def test_series_that_cannot_be_registered(paris: Any, body: dict[str, Any], status: int) -> None:
    """A series needs a place and a quantity that the token's feed declares."""
    with paris.client() as client:
        answer = client.post("/series", json=body, headers=authorise(paris))
    assert answer.status_code == status
    assert answer.json()["errors"]


def test_a_full_backlog_is_a_429_that_says_when(tmp_path: Path) -> None:
    """Beyond the rows that may wait to be filed a post is refused with `Retry-After`, and reads go on."""
    folder = tmp_path / "paris"
    create_folder(folder, "paris")
    (folder / "lake").mkdir()
    lake = open_lake(folder / "lake", most_pending_rows=3)
    archive = Archive(folder, read_city(folder / CITY), lake, FolderLock(folder), read_key(folder))
    _, secret = archive.create_token(name="s", scope=Scope.OBSERVATIONS, feed="bike-counters")
    one = Series("bike-counters", "p", "bicycle_count")
    archive.register([Place("p", "counter", "P")], [one])
    api = Api(Node(archive))
    rows = [{"series": one.id, **HOUR, "value": value} for value in range(4)]

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app), base_url="http://test") as client:
            headers = {"authorization": f"Bearer {secret}"}
            refused = await client.post("/api/v1/observations", json={"observations": rows}, headers=headers)
            return refused, await client.get(f"/api/v1/series/{one.id}")

    refused, answered = asyncio.run(ask())
    api.close()
    archive.close()
    assert (refused.status_code, refused.json()["type"]) == (429, "/api/v1/problems/backlog")
    assert int(refused.headers["retry-after"]) >= 1
    assert answered.status_code == 200
