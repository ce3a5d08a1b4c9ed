"""What an officer may have the node do: import, fetch, declare and run studies, back up, export, manage tokens.

A job is a function of the node, its arguments and a progress to report to. The running node does jobs over HTTP
(`POST /api/v1/jobs/{name}`); on a stopped folder the client calls the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from passerelle.api.node import Node
from passerelle.api.problem import RequestError, say
from passerelle.registry.database import writing
from passerelle.registry.tokens import Scope, Token, list_tokens, revoke_token

Progress = Callable[[int, int], None]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No argument."""


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scope` is write:observations (which needs a `feed`), officer or read; `days` to its end, null for none."""

    name: str
    scope: Scope
    feed: str | None = None
    days: int | None = 365


class TokenNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token's number."""

    id: int


class TokenOut(msgspec.Struct, frozen=True):
    """A token; `secret` is shown once, when it is made."""

    id: int
    name: str
    scope: str
    feed: str | None
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: datetime | None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One job: what it does, the struct of its arguments, and the function."""

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    run: Callable[[Node, Any, Progress], object]


def run_job(node: Node, name: str, arguments: object, progress: Progress) -> object:
    """The result of the job called `name`; `arguments` is a mapping as JSON has it."""
    job = get_job(name)
    try:
        read = msgspec.convert(arguments, job.arguments)
    except msgspec.ValidationError as error:
        fields = {field.name: str(field.type) for field in msgspec.structs.fields(job.arguments)}
        message, _, where = str(error).partition(" - at `$.")
        told = f"{message}; the arguments of {name} are {', '.join(fields) or 'none'}"
        raise RequestError("refused", told, [say(where.rstrip("`") or "body", arguments, told)]) from error
    return job.run(node, read, progress)


def get_job(name: str) -> Job:
    """The job called `name`."""
    if name not in JOBS:
        raise RequestError("not-found", f"no job is called {name[:100]!r}; {', '.join(JOBS)} are there")
    return JOBS[name]


def _create_token(node: Node, arguments: NewToken, progress: Progress) -> TokenOut:  # noqa: ARG001
    if arguments.days is not None and not 1 <= arguments.days <= 3660:
        raise RequestError(
            "refused", f"days is {arguments.days}; 1 to 3660 is allowed", [say("days", arguments.days, "1 to 3660")]
        )
    now = datetime.now(UTC)
    token, secret = node.archive.create_token(
        name=arguments.name,
        scope=arguments.scope,
        feed=arguments.feed and node.archive.get_feed(arguments.feed).id,
        expires=None if arguments.days is None else now + timedelta(days=arguments.days),
    )
    return _show(token, secret)


def _list_tokens(node: Node, arguments: Nothing, progress: Progress) -> list[TokenOut]:  # noqa: ARG001
    with node.archive.engine.connect() as connection:
        return [_show(token, None) for token in list_tokens(connection, limit=1000)]


def _revoke_token(node: Node, arguments: TokenNumber, progress: Progress) -> TokenOut:  # noqa: ARG001
    with writing(node.archive.engine) as connection:
        token = revoke_token(connection, arguments.id, datetime.now(UTC))
    node.tokens.forget()
    return _show(token, None)


def _show(token: Token, secret: str | None) -> TokenOut:
    return TokenOut(
        token.id,
        token.name,
        token.scope,
        token.feed,
        token.created,
        token.expires,
        token.last_used,
        token.revoked,
        secret,
    )


_ALL: tuple[Job, ...] = (
    Job("create-token", "Make a token; its secret is in the answer and nowhere else.", NewToken, _create_token),
    Job("list-tokens", "Tokens without their secrets.", Nothing, _list_tokens),
    Job("revoke-token", "Make a token useless from now on.", TokenNumber, _revoke_token),
)
JOBS = {job.name: job for job in _ALL}
