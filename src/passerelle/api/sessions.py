"""Who may declare studies: the bearer of a token for it, or the officer who is signed in on the node's own page.

A browser may send a session's cookie along whatever page it asks from, so that the cookie counts only where the browser
itself says that the node's own page asks: `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/), else `Origin` and
`Host`. No page can write either of them. The cookie is SameSite=Strict besides, so that it shouldn't be sent at all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from sqlalchemy import Engine

from passerelle.api.problem import RequestError, say
from passerelle.api.tokens import TokenDoor, check_scope
from passerelle.registry.database import writing
from passerelle.registry.officers import (
    SESSION_LASTS,
    Session,
    end_session,
    find_session,
    knows_password,
    open_session,
)
from passerelle.registry.tokens import Scope

COOKIE = "passerelle_session"
MOST_ATTEMPTS = 10
ATTEMPTS_SECONDS = 60.0
"""Passwords tried in a minute, whoever tries: behind a proxy all come from one address, and there is one account."""

_LONGEST_SECRET = 100


class SessionDoor:
    """Signs the officer in and out, and knows who is signed in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        # One at a time: a password takes 32 MiB and a tenth of a second of a core.
        self._stretching = threading.Lock()
        self._tried: deque[float] = deque(maxlen=MOST_ATTEMPTS)

    def sign_in(self, name: str, password: str) -> tuple[Session, str]:
        """The session and its secret; a 401 that doesn't say which of the two was wrong, a 429 after many of those."""
        self._count_attempt()
        now = datetime.now(UTC)
        with self._stretching, self._engine.connect() as connection:
            known = knows_password(connection, name, password)
        if not known:
            raise RequestError("unauthenticated", "no account of this node has that name and password")
        with self._lock:
            self._tried.clear()
        with writing(self._engine) as connection:
            return open_session(connection, name, now)

    def find(self, headers: Mapping[str, str]) -> Session | None:
        """The session whose cookie came, whatever page asks; None where nobody is signed in."""
        secret = _read_cookie(headers)
        if secret is None:
            return None
        with self._engine.connect() as connection:
            return find_session(connection, secret, datetime.now(UTC))

    def sign_out(self, headers: Mapping[str, str]) -> None:
        """End the session whose cookie came."""
        secret = _read_cookie(headers)
        if secret is not None:
            with writing(self._engine) as connection:
                end_session(connection, secret)

    def _count_attempt(self) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._tried) == MOST_ATTEMPTS and now - self._tried[0] < ATTEMPTS_SECONDS:
                told = f"{MOST_ATTEMPTS} passwords in {ATTEMPTS_SECONDS:g} s were wrong, which is as many as may be"
                raise RequestError("too-many", told)
            self._tried.append(now)


def check_may_study(tokens: TokenDoor, sessions: SessionDoor, headers: Mapping[str, str]) -> None:
    """Raise unless whoever asks may declare: an officer, a token for studies, or the session of the node's own page."""
    authorization = headers.get("authorization")
    if authorization is not None:
        if not tokens.is_owner(authorization):
            check_scope(tokens.find(authorization), Scope.STUDIES, Scope.OFFICER)
        return
    if sessions.find(headers) is None:
        told = "sign in on the node's page, or send `Bearer` and a token of scope studies or officer"
        raise RequestError("unauthenticated", f"nobody is signed in; {told}", [say("cookie", "", told)])
    check_same_site(headers, needed=True)


def check_same_site(headers: Mapping[str, str], *, needed: bool) -> None:
    """Raise where another site's page asks; where it is `needed` also where the browser doesn't say whose page does."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        came, own = f"sec-fetch-site: {site}", site == "same-origin"
    elif origin is not None:
        came, own = f"origin: {origin}", urlsplit(origin).netloc == headers.get("host")
    else:
        came, own = "neither sec-fetch-site nor origin", not needed
    if not own:
        told = "the node's own page is allowed, or a token instead of the cookie"
        raise RequestError("cross-site", f"{came[:200]} came; {told}", [say("origin", came, told)])


def write_cookie(secret: str, origin: str | None) -> str:
    """The `Set-Cookie` of a session; one that began over TLS never goes over anything else."""
    secure = "; Secure" if (origin or "").startswith("https://") else ""
    lasts = int(SESSION_LASTS.total_seconds()) if secret else 0
    return f"{COOKIE}={secret}; Path=/api/v1; Max-Age={lasts}; HttpOnly; SameSite=Strict{secure}"


def _read_cookie(headers: Mapping[str, str]) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None or not 0 < len(found.value) <= _LONGEST_SECRET else found.value
