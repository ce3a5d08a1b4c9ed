"""The officer's account, one a node, and its sessions; neither a password nor a session's secret is ever stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Column, Connection, ForeignKey, LargeBinary, String, Table, delete, func, insert, select

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.registry.schema import METADATA, Moment
from passerelle.registry.tokens import digest_of

SHORTEST_PASSWORD, LONGEST_PASSWORD = 15, 256
"""Characters. NIST SP 800-63B-4, 3.1.1.2, asks for 15 where a password is all there is, and to take 64 or more."""

SESSION_LASTS = timedelta(hours=12)
"""A working day. NIST SP 800-63B-4, 2.2.3, lets nobody stay signed in for more than 24 hours at its middle level."""

_LONGEST_NAME = 100
_MOST_SESSIONS = 50
_SECRET_BYTES = 32
_SALT_BYTES = 16
# 32 MiB and some 0.1 s a guess: OWASP's Password Storage Cheat Sheet, scrypt, the third of its equal choices.
_COST, _BLOCK, _PARALLEL = 2**15, 8, 3
_MEMORY_BYTES = 64 * 1024**2

OFFICERS = Table(
    "officers",
    METADATA,
    Column("name", String, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("set", Moment, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("officer", String, ForeignKey("officers.name", ondelete="CASCADE"), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, and until when."""

    officer: str
    expires: datetime


def set_officer(connection: Connection, name: str, password: str, now: datetime) -> None:
    """Make `name` the node's one account, with this password; every session of before ends."""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidValueError(f"the name is {name[:50]!r}; 1 to {_LONGEST_NAME} printable characters", where="name")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidValueError(
            f"the password has {len(password)} characters; {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} are allowed",
            where="password",
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    connection.execute(delete(OFFICERS))
    connection.execute(insert(OFFICERS).values(name=name, salt=salt, digest=_stretch(password, salt), set=now))


def remove_officer(connection: Connection) -> str:
    """The name of the account, which is gone with its sessions; `UnknownNameError` where there is none."""
    name = find_officer(connection)
    if name is None:
        raise UnknownNameError("officer", "", where="officer")
    connection.execute(delete(OFFICERS))
    return name


def find_officer(connection: Connection) -> str | None:
    """The account's name, or None."""
    return connection.execute(select(OFFICERS.c.name)).scalar_one_or_none()


def knows_password(connection: Connection, name: str, password: str) -> bool:
    """Whether the account is of that name and password; the answer takes as long for a name that isn't there."""
    row = connection.execute(select(OFFICERS).where(OFFICERS.c.name == name)).one_or_none()
    salt, digest = _nobody() if row is None else (row.salt, row.digest)
    return hmac.compare_digest(_stretch(password[: LONGEST_PASSWORD + 1], salt), digest) and row is not None


def open_session(connection: Connection, officer: str, now: datetime) -> tuple[Session, str]:
    """A session and its secret of 256 random bits, which is shown this once; the oldest end where there are many."""
    secret, session = secrets.token_urlsafe(_SECRET_BYTES), Session(officer, now + SESSION_LASTS)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now))
    kept = select(SESSIONS.c.digest).order_by(SESSIONS.c.created.desc()).limit(_MOST_SESSIONS - 1)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest.not_in(kept)))
    connection.execute(
        insert(SESSIONS).values(digest=digest_of(secret), officer=officer, created=now, expires=session.expires)
    )
    return session, secret


def find_session(connection: Connection, secret: str, now: datetime) -> Session | None:
    """The session of `secret`, unless it is over or never was."""
    row = connection.execute(
        select(SESSIONS).where(SESSIONS.c.digest == digest_of(secret), SESSIONS.c.expires > now)
    ).one_or_none()
    return None if row is None else Session(row.officer, row.expires)


def end_session(connection: Connection, secret: str) -> None:
    """End the session of `secret`, if there is one."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest_of(secret)))


def count_sessions(connection: Connection) -> int:
    """How many sessions are kept."""
    return connection.execute(select(func.count()).select_from(SESSIONS)).scalar_one()


def _stretch(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=_COST,
        r=_BLOCK,
        p=_PARALLEL,
        maxmem=_MEMORY_BYTES,
        dklen=_SECRET_BYTES,
    )


@cache
def _nobody() -> tuple[bytes, bytes]:
    """What a name that isn't there is compared with: no password is known to give it."""
    return secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_SECRET_BYTES)
