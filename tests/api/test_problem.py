"""Every refusal has one body: RFC 9457, with what came, what was allowed and where."""

from __future__ import annotations

from typing import Any

import pytest

from passerelle.api.problem import KINDS, RequestError, make_problem, say, translate
from passerelle.model.errors import BacklogFullError, IdempotencyError, StorageFullError, UnknownNameError

MEAN = "1c9naeqj8e0v3"
MEMBERS = {"type", "title", "status", "detail", "instance", "errors"}


def check_problem(answer: Any, status: int, kind: str, where: str | None = None) -> dict[str, Any]:
    """The body of a refusal, if it is one of that status and kind that names the place."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == MEMBERS
    assert (body["status"], body["type"]) == (status, f"/api/v1/problems/{kind}")
    assert body["detail"]
    for error in body["errors"]:
        assert set(error) == {"where", "came", "allowed"}
        assert error["allowed"]
    if where is not None:
        assert where in [error["where"] for error in body["errors"]]
    return body


@pytest.mark.parametrize(
    ("path", "status", "kind", "where"),
    [
        ("/nowhere", 404, "not-found", None),
        ("/series/0000000000011", 404, "not-found", "series"),
        ("/series/not-an-id", 404, "not-found", "series"),
        ("/series/not-an-id/observations", 404, "not-found", "series"),
        ("/places/nowhere", 404, "not-found", "place"),
        ("/feeds/nowhere", 404, "not-found", "feed"),
        ("/feeds/nowhere/replies", 404, "not-found", "feed"),
        ("/feeds/nowhere/trust", 404, "not-found", "feed"),
        ("/quantities/nothing", 404, "not-found", "quantity"),
        ("/changes/nothing", 404, "not-found", "change"),
        ("/studies/nothing", 404, "not-found", "study"),
        ("/findings/nothing", 404, "not-found", "finding"),
        ("/findings/nothing/bundle", 404, "not-found", "finding"),
        ("/problems/nothing", 404, "not-found", "problem"),
        ("/city?verbose=1", 400, "unknown-parameter", "verbose"),
        ("/quantities?foo=1", 400, "unknown-parameter", "foo"),
        ("/places?foo=1", 400, "unknown-parameter", "foo"),
        ("/areas?foo=1", 400, "unknown-parameter", "foo"),
        ("/feeds?foo=1", 400, "unknown-parameter", "foo"),
        ("/series?foo=1", 400, "unknown-parameter", "foo"),
        ("/series?node=1", 400, "unknown-parameter", "node"),
        (f"/series/{MEAN}/observations?series_id=1", 400, "unknown-parameter", "series_id"),
        ("/events?foo=1", 400, "unknown-parameter", "foo"),
        ("/changes?foo=1", 400, "unknown-parameter", "foo"),
        ("/studies?foo=1", 400, "unknown-parameter", "foo"),
        ("/findings?foo=1", 400, "unknown-parameter", "foo"),
        ("/jobs?foo=1", 400, "unknown-parameter", "foo"),
        ("/problems?foo=1", 400, "unknown-parameter", "foo"),
        ("/series?limit=0", 400, "invalid-parameter", "limit"),
        ("/series?limit=1001", 400, "invalid-parameter", "limit"),
        ("/series?limit=many", 400, "invalid-parameter", "limit"),
        ("/series?limit=1&limit=2", 400, "invalid-parameter", "limit"),
        ("/series?sector=sea", 400, "invalid-parameter", "sector"),
        ("/series?quantity=mood", 400, "invalid-parameter", "quantity"),
        ("/series?feed=nothing", 400, "invalid-parameter", "feed"),
        ("/series?bbox=1,2,3", 400, "invalid-parameter", "bbox"),
        ("/places?bbox=3,48,2,49", 400, "invalid-parameter", "bbox"),
        ("/places?bbox=nan,48,2,49", 400, "invalid-parameter", "bbox"),
        ("/series?cursor=!", 400, "invalid-parameter", "cursor"),
        ("/places?cursor=AAAA", 400, "invalid-parameter", "cursor"),
        ("/findings?verdict=maybe", 400, "invalid-parameter", "verdict"),
        (f"/series/{MEAN}/observations?start=yesterday", 400, "invalid-parameter", "start"),
        (f"/series/{MEAN}/observations?start=2021-01-01", 400, "invalid-parameter", "start"),
        (f"/series/{MEAN}/observations?end=2021-01-01T00:00:00", 400, "invalid-parameter", "end"),
        (f"/series/{MEAN}/observations?as_known_at=2021-02-30T00:00:00Z", 400, "invalid-parameter", "as_known_at"),
        (
            f"/series/{MEAN}/observations?start=2021-01-02T00:00:00Z&end=2021-01-01T00:00:00Z",
            400,
            "invalid-parameter",
            "end",
        ),
        (f"/series/{MEAN}/observations?aggregate=P3D", 400, "invalid-parameter", "aggregate"),
        (f"/series/{MEAN}/observations?aggregate=mode:P1D", 400, "invalid-parameter", "aggregate"),
        (f"/series/{MEAN}/observations?aggregate=P1D&versions=true", 400, "invalid-parameter", "versions"),
        (f"/series/{MEAN}/observations?versions=perhaps", 400, "invalid-parameter", "versions"),
        (f"/series/{MEAN}/observations?format=xlsx", 400, "invalid-parameter", "format"),
        (f"/series/{MEAN}/observations?format=csv&limit=5", 400, "invalid-parameter", "limit"),
    ],
)
def test_refused_reads(paris: Any, path: str, status: int, kind: str, where: str | None) -> None:
    """Each read that can't be answered says so in the one body, with the place it is about."""
    with paris.client() as client:
        answer = client.get(path)
    body = check_problem(answer, status, kind, where)
    assert body["instance"].startswith("/api/v1" + path.partition("?")[0])


def test_a_wrong_method_names_the_right_ones(paris: Any) -> None:
    """A 405 lists the methods in `Allow` and in its body."""
    with paris.client() as client:
        answer = client.delete("/series")
    check_problem(answer, 405, "method-not-allowed", "method")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def test_a_form_that_is_not_there_is_a_406(paris: Any) -> None:
    """`Accept` with none of the four forms is refused, and one of them is served."""
    with paris.client() as client:
        refused = client.get(f"/series/{MEAN}/observations", headers={"accept": "image/png"})
        served = client.get(f"/series/{MEAN}/observations", headers={"accept": "text/csv"})
    check_problem(refused, 406, "not-acceptable", "accept")
    assert served.headers["content-type"].startswith("text/csv")


def test_kinds_are_explained_where_type_says(paris: Any) -> None:
    """The address in `type` answers with the same status and title."""
    with paris.client() as client:
        problem = client.get("/series?limit=0").json()
        told = client.get(problem["type"].removeprefix("/api/v1")).json()
    assert (told["status"], told["title"]) == (problem["status"], problem["title"])
    assert told["remedy"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BacklogFullError("full"), 429),
        (StorageFullError("full"), 507),
        (IdempotencyError("other body"), 422),
        (UnknownNameError("series", "x"), 404),
    ],
)
def test_errors_of_the_archive_have_a_status(error: Any, status: int) -> None:
    """RFC 6585 gives 429 to a sender that is too fast, RFC 4918 507 to a full disk, RFC 9110 422 to a body refused."""
    assert KINDS[translate(error).kind].status == status


def test_a_long_list_of_errors_is_cut() -> None:
    """An answer shows a hundred errors, and of what came two hundred characters."""
    error = RequestError("refused", "many", [say(f"row {row}", "x" * 5000, "y") for row in range(5000)])
    body = make_problem(error, "/")
    assert len(body.errors) == 100
    assert {len(each.came) for each in body.errors} == {200}
