"""The one error body: RFC 9457 problem details, and which of our errors becomes which problem.

`type` is an address under `/api/v1/problems/`, where the node explains it. `errors` lists what was wrong,
one entry a field or row: where, what came, what was allowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from polars.exceptions import PanicException

from passerelle.model.errors import (
    BacklogFullError,
    BudgetSpentError,
    FolderBusyError,
    IdempotencyError,
    InvalidValueError,
    LayoutError,
    PasserelleError,
    RedistributionError,
    RefusedRowsError,
    ReplyError,
    StorageFullError,
    StudyError,
    UnknownNameError,
)

PROBLEM_JSON = "application/problem+json"
MOST_ERRORS = 100
"""Entries of `errors` in one answer; a batch of 10,000 bad rows is told by its first hundred."""
LONGEST_CAME = 200

_UNFORESEEN = "The node failed to answer; the failure is in its log."
Answer = TypeVar("Answer")

_log = structlog.get_logger("passerelle.api")


class FieldError(msgspec.Struct, frozen=True):
    """Where something was wrong, what came there and what was allowed."""

    where: str
    came: str
    allowed: str


class Problem(msgspec.Struct, frozen=True):
    """The body of every answer with a status of 400 or more."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError]


class ProblemKind(msgspec.Struct, frozen=True):
    """One kind of problem: its name in `type`, status, title, and what to do about it."""

    name: str
    status: int
    title: str
    remedy: str


_KINDS = (
    ProblemKind("unreadable", 400, "The request can't be read", "Send a body of the content type you declare."),
    ProblemKind(
        "unknown-parameter", 400, "A query parameter isn't known", "Use the parameters of /api/v1/openapi.json."
    ),
    ProblemKind("invalid-parameter", 400, "A parameter has a value it can't have", "See `errors` for what is allowed."),
    ProblemKind("unauthenticated", 401, "A valid token is needed", "Send `Authorization: Bearer <token>`, or sign in."),
    ProblemKind("forbidden", 403, "The token doesn't allow this", "Ask the node's operator for another token."),
    ProblemKind(
        "cross-site", 403, "The request came from another site's page", "Ask from the node's own page, or with a token."
    ),
    ProblemKind("licence", 403, "The feed's licence keeps these data here", "Ask the publisher named in the feed."),
    ProblemKind("not-found", 404, "There is nothing here", "Look the id up in the list above it."),
    ProblemKind("method-not-allowed", 405, "The method isn't allowed here", "Use a method of the `Allow` header."),
    ProblemKind("not-acceptable", 406, "The answer doesn't come in that form", "Use a form named in `errors`."),
    ProblemKind("too-slow", 408, "The request took too long to arrive", "Send it faster or in smaller parts."),
    ProblemKind("conflict", 409, "The node's state doesn't allow this now", "Read `detail`."),
    ProblemKind("too-large", 413, "The body is too large", "Send it in smaller batches."),
    ProblemKind("unsupported-media", 415, "The content type isn't read here", "Use a type named in `errors`."),
    ProblemKind("refused", 422, "The body can be read but not accepted", "See `errors`; nothing of it was kept."),
    ProblemKind("idempotency", 422, "The Idempotency-Key came before with another body", "Use a new key."),
    ProblemKind("too-many", 429, "Too many were asked for", "Wait for the seconds in `Retry-After`."),
    ProblemKind("backlog", 429, "Too much is waiting to be filed", "Wait for the seconds in `Retry-After`."),
    ProblemKind("budget", 429, "The publisher takes no more calls for now", "Read in `detail` for how long."),
    ProblemKind("internal", 500, "The node failed", "Give the request's X-Request-Id to the node's operator."),
    ProblemKind("busy", 503, "The node is busy", "Wait for the seconds in `Retry-After`."),
    ProblemKind("disk-full", 507, "The disk is full", "Tell the node's operator; what was acknowledged is kept."),
)
KINDS = {kind.name: kind for kind in _KINDS}

_BY_ERROR: tuple[tuple[type[PasserelleError], str], ...] = (
    (InvalidValueError, "invalid-parameter"),
    (UnknownNameError, "not-found"),
    (RedistributionError, "licence"),
    (IdempotencyError, "idempotency"),
    (BacklogFullError, "backlog"),
    (BudgetSpentError, "budget"),
    (StorageFullError, "disk-full"),
    (StudyError, "refused"),
    (ReplyError, "refused"),
    (FolderBusyError, "conflict"),
    (LayoutError, "conflict"),
)
_BY_STATUS = {
    400: "unreadable",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    429: "backlog",
    503: "busy",
}
_HEADERS = {
    "unauthenticated": {"www-authenticate": 'Bearer realm="passerelle"'},
    "backlog": {"retry-after": "1"},
    "busy": {"retry-after": "1"},
    "too-many": {"retry-after": "60"},
}


class RequestError(PasserelleError):
    """A request that this node refuses, as one kind of problem."""

    def __init__(self, kind: str, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, where=errors[0].where if errors else "")
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)


def say(where: str, came: object, allowed: str) -> FieldError:
    """A field's error with what came cut to a length that can be shown."""
    return FieldError(where, str(came)[:LONGEST_CAME], allowed)


def refuse_parameter(where: str, came: object, allowed: str) -> RequestError:
    """The 400 for a parameter's value."""
    return RequestError(
        "invalid-parameter", f"{where} is {str(came)[:LONGEST_CAME]!r}; {allowed}", [say(where, came, allowed)]
    )


def make_problem(error: RequestError, instance: str) -> Problem:
    """`error` as the body that is sent."""
    kind = KINDS[error.kind]
    return Problem(
        f"/api/v1/problems/{kind.name}", kind.title, kind.status, error.detail, instance, error.errors[:MOST_ERRORS]
    )


def list_headers(kind: str) -> dict[str, str]:
    """The headers that go with a kind of problem."""
    return _HEADERS.get(kind, {})


def translate(error: PasserelleError) -> RequestError:
    """Any error of ours as the problem it is."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, RefusedRowsError):
        return RequestError("refused", str(error), [say(each.where, each.came, each.allowed) for each in error.faults])
    for kind_of_error, kind in _BY_ERROR:
        if isinstance(error, kind_of_error):
            came = error.name if isinstance(error, UnknownNameError) else ""
            errors = [say(error.where, came, str(error))] if error.where else []
            return RequestError(kind, str(error), errors)
    raise error


def _answer(request: Request[Any, Any, Any], error: RequestError, headers: dict[str, str]) -> Response[bytes]:
    query = request.scope["query_string"].decode("latin-1")
    instance = request.scope["path"] + (f"?{query}" if query else "")
    body = make_problem(error, instance[: 4 * LONGEST_CAME])
    return Response(
        msgspec.json.encode(body),
        status_code=body.status,
        media_type=PROBLEM_JSON,
        headers={**list_headers(error.kind), **headers},
    )


def answer_ours(request: Request[Any, Any, Any], error: PasserelleError) -> Response[bytes]:
    """The answer to an error of ours; what came is added where the error names a query parameter."""
    problem = translate(error)
    problem.errors = [
        say(each.where, request.query_params[each.where], each.allowed)
        if not each.came and each.where in request.query_params
        else each
        for each in problem.errors
    ]
    return _answer(request, problem, {})


def answer_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """The answer to an error of the framework's: no such route, no such method, a parameter of the wrong type."""
    if isinstance(error, ValidationException):
        return _answer(request, _translate_validation(request, error), {})
    kind = _BY_STATUS.get(error.status_code, "internal")
    allowed = (error.headers or {}).get("allow", "") or (error.headers or {}).get("Allow", "")
    if kind == "method-not-allowed":
        methods = ", ".join(sorted(allowed.split(", ")))
        fields = [FieldError("method", request.method, methods)]
        return _answer(
            request, RequestError(kind, f"{request.method} came; {methods} are allowed", fields), {"allow": methods}
        )
    if kind == "not-found":
        return _answer(request, RequestError(kind, f"No resource at {request.scope['path'][:LONGEST_CAME]}"), {})
    return _answer(request, RequestError(kind, error.detail or HTTPStatus(error.status_code).phrase), {})


def _translate_validation(request: Request[Any, Any, Any], error: ValidationException) -> RequestError:
    fields = [
        say(item["key"], request.query_params.get(item["key"], ""), item["message"])
        for item in (error.extra if isinstance(error.extra, list) else [])
        if isinstance(item, dict) and "key" in item
    ]
    told = "; ".join(f"{each.where} is {each.came!r}: {each.allowed}" for each in fields)
    return RequestError("invalid-parameter", told or error.detail, fields)


async def settle(answering: Awaitable[Answer], path: str) -> Answer | RequestError:
    """What comes of `answering`, or the problem it ended in; for answers given outside the framework's routes."""
    try:
        return await answering
    except PasserelleError as error:
        return translate(error)
    except (Exception, PanicException) as error:  # noqa: BLE001  the other door is answer_unforeseen
        return report_unforeseen(error, path)


def report_unforeseen(error: BaseException, path: str) -> RequestError:
    """The problem that a defect of ours is to the asker; all of it is logged."""
    _log.error("request failed", path=path, exc_info=error)
    return RequestError("internal", _UNFORESEEN)


def answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to a defect of ours: nothing of it leaves the node."""
    return _answer(request, report_unforeseen(error, request.scope["path"]), {})
