"""Tokens that let a sender write or an officer change things; the secret itself is never stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.registry.schema import METADATA, Moment

PREFIX = "psr_"
"""Lets scanners of leaked secrets recognise a token: https://docs.github.com/en/code-security/secret-scanning."""

_SECRET_BYTES = 32
_USE_STEP = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token lets its bearer do."""

    OBSERVATIONS = "write:observations"
    STUDIES = "studies"
    OFFICER = "officer"


TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("feed", String),
    Column("source", Integer),
    Column("digest", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("last_used", Moment),
    Column("revoked", Moment),
    UniqueConstraint("digest"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret; `feed` and `source` (a reply's number) are set where it may write observations."""

    id: int
    name: str
    scope: Scope
    feed: str | None
    source: int | None
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether the token may be used at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def create_token(
    connection: Connection,
    *,
    name: str,
    scope: Scope,
    now: datetime,
    feed: str | None = None,
    source: int | None = None,
    expires: datetime | None = None,
) -> tuple[Token, str]:
    """The token and its secret of 256 random bits, which is shown this once."""
    if (feed is None) == (scope is Scope.OBSERVATIONS):
        raise InvalidValueError(f"scope {scope} came with feed {feed!r}; write:observations needs one", where="feed")
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    statement = (
        insert(TOKENS)
        .values(
            name=name, scope=scope, feed=feed, source=source, digest=digest_of(secret), created=now, expires=expires
        )
        .returning(TOKENS.c.id)
    )
    return get_token(connection, connection.execute(statement).scalar_one()), secret


def digest_of(secret: str) -> bytes:
    """What is stored of a secret. 256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).digest()


def find_token(connection: Connection, secret: str) -> Token | None:
    """The token of `secret`, revoked and expired ones too, or None."""
    row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest_of(secret))).one_or_none()
    return None if row is None else _read(row)


def get_token(connection: Connection, token_id: int) -> Token:
    """The token of that number; `UnknownNameError` where there is none."""
    row = connection.execute(select(TOKENS).where(TOKENS.c.id == token_id)).one_or_none()
    if row is None:
        raise UnknownNameError("token", str(token_id), where="token")
    return _read(row)


def list_tokens(connection: Connection, *, limit: int = 100, after: int = 0) -> list[Token]:
    """Tokens by number, those after the number `after`."""
    rows = connection.execute(select(TOKENS).where(TOKENS.c.id > after).order_by(TOKENS.c.id).limit(limit))
    return [_read(row) for row in rows]


def revoke_token(connection: Connection, token_id: int, now: datetime) -> Token:
    """The token, of no use from `now` on; one revoked before keeps its time."""
    get_token(connection, token_id)
    connection.execute(update(TOKENS).where(TOKENS.c.id == token_id, TOKENS.c.revoked.is_(None)).values(revoked=now))
    return get_token(connection, token_id)


def set_used(connection: Connection, token_id: int, now: datetime) -> None:
    """Remember the token's last use, to the minute: a write for each request would cost more than the request."""
    due = TOKENS.c.last_used.is_(None) | (TOKENS.c.last_used < now - _USE_STEP)
    connection.execute(update(TOKENS).where(TOKENS.c.id == token_id, due).values(last_used=now))


def _read(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.name,
        Scope(row.scope),
        row.feed,
        row.source,
        row.created,
        row.expires,
        row.last_used,
        row.revoked,
    )
