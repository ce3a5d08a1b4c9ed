"""Who is asking: bearer tokens, verified once and remembered for some seconds."""

from __future__ import annotations

import hmac
import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Engine

from passerelle.api.problem import FieldError, RequestError
from passerelle.registry.database import writing
from passerelle.registry.tokens import Scope, Token, digest_of, find_token, set_used

_REMEMBERED = 4096
_FRESH_SECONDS = 5.0
_LONGEST = 512
_BEARER_ALLOWED = "`Bearer` and a token made by `passerelle token create` is allowed"


class TokenDoor:
    """Finds the token a request bears.

    A token revoked by this process is forgotten at once. `owner_secret` is the one that whoever can read the folder's
    key can make: with it the command line acts as an officer of the node it runs beside.
    """

    def __init__(self, engine: Engine, owner_secret: str) -> None:
        self._engine = engine
        self._own = digest_of(owner_secret)
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Token | None]] = OrderedDict()
        self._forgotten = 0

    def find(self, authorization: str | None) -> Token:
        """The valid token of an `Authorization` header; a 401 says what is wrong with it otherwise."""
        token = self.recall(authorization) or self._ask(_read_bearer(authorization))
        if token is None or not token.is_valid(datetime.now(UTC)):
            state = "unknown" if token is None else "revoked or expired"
            raise RequestError(
                "unauthenticated", f"the token is {state}", [FieldError("authorization", state, _BEARER_ALLOWED)]
            )
        return token

    def recall(self, authorization: str | None) -> Token | None:
        """The token, if it was verified in the last seconds and hasn't expired since; never waits for the disk."""
        with self._lock:
            until, token = self._known.get(_read_bearer(authorization), (0.0, None))
        return token if token is not None and time.monotonic() < until and token.is_valid(datetime.now(UTC)) else None

    def forget(self) -> None:
        """Verify every token anew from now on."""
        with self._lock:
            self._known.clear()
            self._forgotten += 1

    def check_officer(self, authorization: str | None) -> None:
        """Raise unless the bearer may administer the node."""
        if not self.is_owner(authorization):
            check_scope(self.find(authorization), Scope.OFFICER)

    def is_owner(self, authorization: str | None) -> bool:
        """Whether the bearer has the owner's secret."""
        return hmac.compare_digest(digest_of(_read_bearer(authorization)), self._own)

    def _ask(self, secret: str) -> Token | None:
        now, forgotten = datetime.now(UTC), self._forgotten
        with self._engine.connect() as connection:
            token = find_token(connection, secret)
        if token is not None and token.is_valid(now):
            with writing(self._engine) as connection:
                set_used(connection, token.id, now)
            with self._lock:
                # What was read before a token was revoked may not be remembered after.
                if forgotten == self._forgotten:
                    self._known[secret] = (time.monotonic() + _FRESH_SECONDS, token)
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return token


def make_owner_secret(key: Ed25519PrivateKey) -> str:
    """The secret of the folder's owner, from the city's private key; it says nothing about the key."""
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return HKDF(SHA256(), 32, None, b"passerelle folder owner").derive(raw).hex()


def check_scope(token: Token, *scopes: Scope) -> None:
    """Raise the 403 unless `token` is of one of `scopes`."""
    if token.scope not in scopes:
        wanted = " or ".join(scopes)
        told = f"the token's scope is {token.scope}; {wanted} is needed"
        raise RequestError(
            "forbidden", told, [FieldError("authorization", token.scope, f"a token of scope {wanted} is allowed")]
        )


def _read_bearer(authorization: str | None) -> str:
    kind, _, secret = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not secret or len(secret) > _LONGEST:
        came = "nothing" if authorization is None else f"{kind[:20]!r} of {len(secret)} characters"
        raise RequestError(
            "unauthenticated", f"{came} came; {_BEARER_ALLOWED}", [FieldError("authorization", came, _BEARER_ALLOWED)]
        )
    return secret
