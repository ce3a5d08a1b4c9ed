"""Answers that carry the hash of their body, so that whoever holds one needn't be sent it again."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

Answer = TypeVar("Answer")


def answer_tagged(request: Request[Any, Any, Any], answer: Answer) -> Response[Answer]:
    """`answer` as JSON with its `ETag`, or a 304 where the request's `If-None-Match` names it."""
    body: Any = msgspec.json.encode(answer)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        empty: Any = b""
        return Response(empty, status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
