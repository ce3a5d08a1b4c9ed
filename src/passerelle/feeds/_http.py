"""Asking a publisher over HTTP: bounded in time, size and redirects, secrets from the environment only."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx

from passerelle.feeds.feed import Request
from passerelle.model.errors import InvalidValueError, ReplyError, StatusError

_USER_AGENT = "passerelle/0.1"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reply may cost: seconds to connect, seconds between bytes, seconds and bytes in all, redirects."""

    connect_s: float = 10.0
    silence_s: float = 20.0
    total_s: float = 300.0
    decoded_bytes: int = 64 * 1024 * 1024
    redirects: int = 3

    def __post_init__(self) -> None:
        for name in ("connect_s", "silence_s", "total_s", "decoded_bytes"):
            if not getattr(self, name) > 0:
                raise InvalidValueError(f"{name} is {getattr(self, name)}; more than 0 is needed", where=name)
        if self.redirects < 0:
            raise InvalidValueError(f"redirects is {self.redirects}; 0 or more is allowed", where="redirects")


@dataclass(frozen=True, slots=True)
class Answer:
    """The decoded body and the headers, names in small letters; no body where nothing changed since the validators."""

    body: bytes | None
    headers: Mapping[str, str]


def fetch(
    request: Request,
    *,
    environ: Mapping[str, str],
    limits: Limits,
    validators: Mapping[str, str] | None = None,
) -> Answer:
    """An answer of status 200-299; 304 counts too where `validators` are sent (If-None-Match, If-Modified-Since).

    Any other status raises `StatusError`, a reply beyond `limits` and a connection that fails `ReplyError`. Secrets are
    read from `environ`, go to the asked host only, and stand in no message.
    """
    headers = dict(request.headers) | {"User-Agent": _USER_AGENT} | dict(validators or {})
    secrets, keys = read_secrets(request, environ)
    headers["Accept-Encoding"] = "gzip"
    timeout = httpx.Timeout(limits.silence_s, connect=limits.connect_s)
    where = request.url.partition("?")[0]
    client = httpx.Client(timeout=timeout, trust_env=False, verify=_trust())
    try:
        with _Watch(limits.total_s) as watch, client:
            return _follow(client, _add_keys(httpx.URL(request.url), keys), (headers, secrets), limits, watch)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if watch.is_over:
            raise ReplyError(f"{where} took longer than {limits.total_s} s", where=where) from error
        raise ReplyError(f"{where} gave no reply: {type(error).__name__}: {error}", where=where) from error


def read_secrets(request: Request, environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The request's secret headers and query with their values; `InvalidValueError` names a variable that has none."""
    headers, query = (
        {name: _read_secret(variable, environ) for name, variable in secrets.items()}
        for secrets in (request.secret_headers, request.secret_query)
    )
    return headers, query


def _add_keys(url: httpx.URL, keys: Mapping[str, str]) -> httpx.URL:
    # By hand: httpx would write the rest of the query anew, and "%20" as "+".
    return url.copy_with(query=b"&".join(filter(None, [url.query, urlencode(keys).encode()]))) if keys else url


def _cut_query(record: logging.LogRecord) -> bool:
    """True, with the queries of addresses cut off, where keys may stand."""
    if isinstance(record.args, tuple):
        record.args = tuple(each.copy_with(query=None) if isinstance(each, httpx.URL) else each for each in record.args)
    return True


# httpx tells every request it makes to whoever listens at INFO.
logging.getLogger("httpx").addFilter(_cut_query)


@cache
def _trust() -> ssl.SSLContext:
    # Reading the authorities' certificates takes longer than most requests.
    return httpx.create_ssl_context(trust_env=False)


class _Watch:
    """Ends the connections of a request when its time is over.

    Timeouts count from byte to byte, so that a head or a body that comes a byte at a time would never meet one.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._connected: list[socket.socket] = []

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._deadline

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            while self._connected:
                self._connected.pop().close()

    def trace(self, event: str, told: Mapping[str, Any]) -> None:
        """Take note of a connection; httpx's extension of this name."""
        if event == "connection.connect_tcp.complete":
            with self._lock:
                # A double: TLS takes the original over.
                self._connected.append(told["return_value"].get_extra_info("socket").dup())
            if self.is_over:
                self._end()

    def _end(self) -> None:
        with self._lock:
            for each in self._connected:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _read_secret(variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "")
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise InvalidValueError(
            f"environment variable {variable} must hold a secret of printable ASCII", where=variable
        )
    return value


def _follow(
    client: httpx.Client,
    url: httpx.URL,
    headers: tuple[Mapping[str, str], Mapping[str, str]],
    limits: Limits,
    watch: _Watch,
) -> Answer:
    plain, secrets = headers
    origin = (url.scheme, url.host, url.port)
    for _ in range(limits.redirects + 1):
        # A redirect to another host must not carry the first one's key there.
        sent = {**plain, **secrets} if (url.scheme, url.host, url.port) == origin else plain
        with client.stream("GET", url, headers=sent, extensions={"trace": watch.trace}) as response:
            if not response.has_redirect_location:
                return _read(response, limits, watch)
            url = response.url.join(response.headers["location"])
        if url.scheme not in ("http", "https"):
            raise ReplyError(f"redirected to {url.scheme!r}; http and https are allowed", where="location")
    raise ReplyError(f"more than {limits.redirects} redirects", where="location")


def _read(response: httpx.Response, limits: Limits, watch: _Watch) -> Answer:
    where = str(response.url.copy_with(query=None, userinfo=None))
    asked = response.request.headers
    if response.status_code == httpx.codes.NOT_MODIFIED and ("if-none-match" in asked or "if-modified-since" in asked):
        return Answer(None, dict(response.headers))
    if not response.is_success:
        raise StatusError(where, response.status_code, _read_wait(response.headers.get("retry-after", "")))
    inflate = _Inflate(response.headers.get("content-encoding", "identity").strip().lower(), where)
    body = bytearray()
    # As it comes, without a chunk size: a publisher that sends a byte a second must meet the deadline.
    for chunk in response.iter_raw():
        body += inflate.feed(chunk, limits.decoded_bytes + 1 - len(body))
        if len(body) > limits.decoded_bytes:
            raise ReplyError(f"{where} answered more than {limits.decoded_bytes} bytes", where=where)
    # A body without a length ends with its connection, whoever ended that.
    if watch.is_over:
        raise ReplyError(f"{where} took longer than {limits.total_s} s", where=where)
    inflate.finish()
    return Answer(bytes(body), dict(response.headers))


def _read_wait(text: str) -> float | None:
    """The seconds that a Retry-After says, as a number or as a date; None where it says neither (RFC 9110, 10.2.3)."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, wait)


class _Inflate:
    """Unpacks gzip no further than asked; httpx would unpack a whole network read, a thousandfold."""

    def __init__(self, encoding: str, where: str) -> None:
        if encoding not in ("identity", "", "gzip", "x-gzip"):
            raise ReplyError(f"{where} is encoded as {encoding!r}; gzip or nothing was asked", where=where)
        self._where = where
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None

    def feed(self, chunk: bytes, room: int) -> bytes:
        """The next bytes, at most `room` of them where the encoding is gzip."""
        if self._inflater is None:
            return chunk
        try:
            return self._inflater.decompress(chunk, room)
        except zlib.error as error:
            raise ReplyError(f"{self._where} sent broken gzip: {error}", where=self._where) from error

    def finish(self) -> None:
        """Nothing; `ReplyError` where the packed body ended before its end."""
        if self._inflater is not None and not self._inflater.eof:
            raise ReplyError(f"{self._where} sent gzip that ends too early", where=self._where)
