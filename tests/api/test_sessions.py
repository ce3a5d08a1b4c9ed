"""Signing in on the page: whom the node lets declare, and what another site's page can't make a browser do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import update

from passerelle.api import sessions
from passerelle.api.local import LocalNode
from passerelle.api.sessions import MOST_ATTEMPTS
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.registry.database import writing
from passerelle.registry.officers import SESSIONS, set_officer
from passerelle.registry.tokens import Scope

NAME, PASSWORD = "jeanne", "correct horse battery"
NOTE = {"en": "A note", "fr": "Une note"}
CHANGE = {
    "id": "a-change",
    "sector": "air",
    "title": NOTE,
    "what": NOTE,
    "where": {"name": NOTE},
    "start": "2021-01-01T00:00:00Z",
    "by": "The city",
    "link": [{"title": "A page", "url": "https://example.org/"}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Paris with an officer."""
    create_folder(tmp_path / "paris", "paris")
    archive = open_archive(tmp_path / "paris")
    with writing(archive.engine) as connection:
        set_officer(connection, NAME, PASSWORD, datetime.now(UTC))
    archive.close()
    return tmp_path / "paris"


@pytest.fixture
def node(folder: Path) -> Iterator[LocalNode]:
    """Its node."""
    found = LocalNode(folder)
    yield found
    found.close()


def ask(node: LocalNode, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    """The answer; underscores of header names stand for hyphens."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else msgspec.json.encode(body)
    return node.ask(method, f"/api/v1{path}", content=content, headers={"content-type": "application/json", **told})


def sign_in(node: LocalNode, **headers: str) -> str:
    """The cookie of a new session, as a browser sends it back."""
    answer = ask(node, "POST", "/session", {"name": NAME, "password": PASSWORD}, **headers)
    assert answer.status_code == 201
    return answer.headers["set-cookie"].partition(";")[0]


def declare(node: LocalNode, **headers: str) -> httpx.Response:
    """The answer to declaring a change."""
    return ask(node, "POST", "/changes", {"change": CHANGE}, **headers)


def test_the_cookie_is_the_pages_alone(node: LocalNode) -> None:
    """No script reads it, no other site sends it, it goes to the API only, for twelve hours; over TLS never without."""
    plain = ask(node, "POST", "/session", {"name": NAME, "password": PASSWORD}, origin="http://local")
    secure = ask(node, "POST", "/session", {"name": NAME, "password": PASSWORD}, origin="https://local")
    (cookie,) = SimpleCookie(plain.headers["set-cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/api/v1")
    assert cookie["max-age"] == str(12 * 3600)
    assert not cookie["secure"]
    (cookie,) = SimpleCookie(secure.headers["set-cookie"]).values()
    assert cookie["secure"]


def test_an_officer_declares_until_signed_out(node: LocalNode) -> None:
    """The session says whose it is; once ended its cookie is worth nothing."""
    cookie = sign_in(node)
    assert ask(node, "GET", "/session", cookie=cookie).json()["officer"] == NAME
    assert declare(node, cookie=cookie, sec_fetch_site="same-origin").status_code == 201
    assert ask(node, "DELETE", "/session", cookie=cookie, sec_fetch_site="same-origin").status_code == 204
    assert ask(node, "GET", "/session", cookie=cookie).json() == {"officer": None, "expires": None, "account": True}
    assert declare(node, cookie=cookie, sec_fetch_site="same-origin").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"origin": "http://local"}, 201),
        ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://sister.local"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://local:81"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_only_the_nodes_own_page_writes_by_cookie(node: LocalNode, headers: dict[str, str], status: int) -> None:
    """A browser that says another page asks, or doesn't say which, is refused although its cookie is good."""
    answer = declare(node, cookie=sign_in(node), **{name.replace("-", "_"): value for name, value in headers.items()})
    assert answer.status_code == status
    assert ask(node, "GET", "/changes/a-change").status_code == (200 if status == 201 else 404)


def test_another_site_can_neither_sign_in_nor_out(node: LocalNode) -> None:
    """Whoever is made to sign in would work in another's name."""
    cookie = sign_in(node)
    body = {"name": NAME, "password": PASSWORD}
    assert ask(node, "POST", "/session", body, origin="https://evil.example").status_code == 403
    assert ask(node, "DELETE", "/session", cookie=cookie, sec_fetch_site="cross-site").status_code == 403
    assert ask(node, "GET", "/session", cookie=cookie).json()["officer"] == NAME


def test_a_session_that_is_over_declares_nothing(folder: Path) -> None:
    """Twelve hours later the cookie that a browser still sends is a 401."""
    node = LocalNode(folder)
    cookie = sign_in(node)
    node.close()
    archive = open_archive(folder)
    with writing(archive.engine) as connection:
        connection.execute(update(SESSIONS).values(expires=datetime.now(UTC) - timedelta(seconds=1)))
    archive.close()
    node = LocalNode(folder)
    assert declare(node, cookie=cookie, sec_fetch_site="same-origin").status_code == 401
    node.close()


def test_wrong_passwords_are_few_and_told_nothing(node: LocalNode) -> None:
    """Wrong names and wrong passwords get the same answer; after ten in a minute comes a 429, to the right one too."""
    wrong = [({"name": NAME, "password": "x" * 20}), ({"name": "nobody", "password": PASSWORD})] * (MOST_ATTEMPTS // 2)
    answers = [ask(node, "POST", "/session", body) for body in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    late = ask(node, "POST", "/session", {"name": NAME, "password": PASSWORD})
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")


def test_attempts_are_forgotten_after_a_minute(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the officer signs in, which forgets the wrong ones at once."""
    for _ in range(MOST_ATTEMPTS):
        ask(node, "POST", "/session", {"name": NAME, "password": "x" * 20})
    later = time.monotonic() + 61
    monkeypatch.setattr(sessions.time, "monotonic", lambda: later)
    sign_in(node)
    assert ask(node, "POST", "/session", {"name": NAME, "password": "x" * 20}).status_code == 401


def test_a_name_that_is_not_there_takes_as_long(node: LocalNode) -> None:
    """Nobody learns the officer's name by the clock: of five each, the fastest are within a half of one another."""
    fastest = []
    for name in (NAME, "nobody"):
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            ask(node, "POST", "/session", {"name": name, "password": "x" * 20})
            taken.append(time.perf_counter() - began)
        fastest.append(min(taken))
    assert max(fastest) < 1.5 * min(fastest)


@pytest.mark.parametrize(("scope", "status"), [(Scope.STUDIES, 201), (Scope.OFFICER, 201), (None, 401)])
def test_programs_declare_by_token(folder: Path, scope: Scope | None, status: int) -> None:
    """A token for studies, or an officer's, does it without a cookie and from anywhere."""
    archive = open_archive(folder)
    secret = "psr_unknown" if scope is None else archive.create_token(name="t", scope=scope)[1]
    archive.close()
    node = LocalNode(folder)
    answer = declare(node, authorization=f"Bearer {secret}", origin="https://elsewhere.example")
    node.close()
    assert answer.status_code == status


def test_a_token_for_studies_does_nothing_else(folder: Path) -> None:
    """It runs no job of an officer's, and one that sends observations declares nothing."""
    archive = open_archive(folder)
    _, studies = archive.create_token(name="s", scope=Scope.STUDIES)
    _, sender = archive.create_token(name="o", scope=Scope.OBSERVATIONS, feed="bike-counters")
    archive.close()
    node = LocalNode(folder)
    assert ask(node, "POST", "/jobs/list-tokens", {}, authorization=f"Bearer {studies}").status_code == 403
    assert declare(node, authorization=f"Bearer {sender}").status_code == 403
    node.close()


def test_a_session_runs_no_job(node: LocalNode) -> None:
    """Imports, backups and tokens are the command line's: a stolen session reaches no file of the machine."""
    assert (
        ask(node, "POST", "/jobs/list-tokens", {}, cookie=sign_in(node), sec_fetch_site="same-origin").status_code
        == 401
    )


@pytest.mark.parametrize("cookie", ["passerelle_session=", "passerelle_session=x", "a=b; =;", "\x7f", "x" * 5000])
def test_any_cookie_may_come(node: LocalNode, cookie: str) -> None:
    """What isn't a session's secret is nobody's."""
    assert ask(node, "GET", "/session", cookie=cookie).json()["officer"] is None


@pytest.mark.parametrize(
    "body", [{}, {"name": 1, "password": "x"}, {"name": "a", "password": "b", "more": 1}, [], None]
)
def test_a_body_that_is_no_sign_in_is_refused(node: LocalNode, body: Any) -> None:
    """It is a problem document with a 400."""
    answer = ask(node, "POST", "/session", body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
