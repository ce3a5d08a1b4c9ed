"""The text of a reply: unpacked, its charset checked, HTML and empty answers told apart from data."""

from __future__ import annotations

import gzip
import io
import zlib

from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

LARGEST = 256 * 1024 * 1024
"""Bytes a packed reply may unpack to; the largest recorded file has 5 MB, a gzip bomb thousands."""

_GZIP = b"\x1f\x8b"


def read_bytes(reply: Reply) -> bytes:
    """The reply's body, unpacked where it is gzip."""
    body = _unpack(reply) if reply.body.startswith(_GZIP) else reply.body
    if not body.strip():
        raise ReplyError(f"{_name(reply)} is empty", where="body")
    return body


def read_text(reply: Reply, *charsets: str) -> str:
    """The reply's text in the first of `charsets` that fits it, without a byte order mark."""
    body = read_bytes(reply)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ReplyError(f"{_name(reply)} is UTF-16; allowed: {', '.join(charsets)}", where="body")
    text = _decode(reply, body, charsets)
    if text[:200].lstrip().startswith("<"):
        raise ReplyError(f"{_name(reply)} is markup, not data: {text[:80].strip()!r}", where="body")
    return text


def _decode(reply: Reply, body: bytes, charsets: tuple[str, ...]) -> str:
    reasons = []
    for charset in charsets:
        try:
            return body.decode(charset).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            reasons.append(f"{charset}: byte {error.start} is 0x{body[error.start]:02x}")
    raise ReplyError(f"{_name(reply)} is in none of the allowed charsets ({'; '.join(reasons)})", where="body")


def _unpack(reply: Reply) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(reply.body)) as packed:
            body = packed.read(LARGEST + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise ReplyError(f"{_name(reply)} is broken gzip: {error}", where="body") from error
    if len(body) > LARGEST:
        raise ReplyError(f"{_name(reply)} unpacks to more than {LARGEST} bytes", where="body")
    return body


def _name(reply: Reply) -> str:
    return f"the reply {reply.name!r}" if reply.name else "the reply"
