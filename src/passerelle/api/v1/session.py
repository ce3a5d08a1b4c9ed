"""`/api/v1/session`: the officer's, who signs in on the page to declare studies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from passerelle.api.node import Node
from passerelle.api.sessions import check_same_site, write_cookie
from passerelle.registry.officers import find_officer


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name and password that `passerelle officer set` was given."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=1000)]


class SessionOut(msgspec.Struct, frozen=True):
    """Who is signed in, and until when; null where nobody is. Without an `account` nobody can be."""

    officer: str | None
    expires: datetime | None
    account: bool


@get("/session", tags=["session"], sync_to_thread=True)
def read_one(request: Request[Any, Any, Any], node: NamedDependency[Node]) -> SessionOut:
    """Whether the officer is signed in."""
    found = node.sessions.find(request.headers)
    with node.archive.engine.connect() as connection:
        account = find_officer(connection) is not None
    if found is None:
        return SessionOut(None, None, account)
    return SessionOut(found.officer, found.expires, account)


@post("/session", tags=["session"], sync_to_thread=True)
def sign_in(
    request: Request[Any, Any, Any], node: NamedDependency[Node], data: JSONBody[SignIn]
) -> Response[SessionOut]:
    """Sign in, for twelve hours. The cookie is for this node's own pages; programs use a token."""
    check_same_site(request.headers, needed=False)
    session, secret = node.sessions.sign_in(data.name, data.password)
    cookie = write_cookie(secret, request.headers.get("origin"))
    return Response(SessionOut(session.officer, session.expires, True), headers={"set-cookie": cookie})


@delete("/session", tags=["session"], status_code=204, sync_to_thread=True)
def sign_out(request: Request[Any, Any, Any], node: NamedDependency[Node]) -> Response[None]:
    """Sign out; nothing happens where nobody is signed in."""
    check_same_site(request.headers, needed=False)
    node.sessions.sign_out(request.headers)
    return Response(None, headers={"set-cookie": write_cookie("", request.headers.get("origin"))})
