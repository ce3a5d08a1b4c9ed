"""Query parameters: those an operation documents, each at most once, and their common types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from litestar import Request
from litestar.constants import RESERVED_KWARGS
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from passerelle.api.cursors import MOST_ITEMS
from passerelle.api.problem import RequestError, refuse_parameter, say
from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import parse_time
from passerelle.model.quantity import Sector, get_quantity, list_quantities

Limit = Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS, description="Items in one answer.")]
Cursor = Annotated[str | None, QueryParameter(description="The `next` of the answer before, unchanged.")]
TimeText = Annotated[
    str | None,
    QueryParameter(schema_extra={"format": "date-time"}, description="RFC 3339, with a zone; `+` is written %2B."),
]
BoxText = Annotated[str | None, QueryParameter(description="West, south, east, north in degrees, separated by commas.")]
SectorName = Annotated[str | None, QueryParameter(schema_extra={"enum": [str(sector) for sector in Sector]})]
QuantityName = Annotated[str | None, QueryParameter(description="A name of /api/v1/quantities.")]
SearchText = Annotated[
    str | None, QueryParameter(max_length=200, description="Words to find in names, whatever the case.")
]

Box = tuple[float, float, float, float]


@cache
def list_documented(handler: BaseRouteHandler) -> frozenset[str]:
    """The query parameters that `handler` documents, which are all it takes."""
    injected = set(handler.resolve_dependencies()) | RESERVED_KWARGS
    return frozenset(
        name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if name not in injected and not isinstance(field.kwarg_definition, (HeaderParameter, PathParameter))
    )


# Not a plain function, which Litestar would run in a thread.
async def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise for a query parameter that the operation doesn't document, or one that comes twice."""
    if not request.scope["query_string"]:
        return
    allowed = list_documented(request.route_handler)
    names = sorted(allowed)
    told = f"one of {', '.join(names)}" if names else "no query parameter"
    came = list(request.query_params.multi_items())
    unknown = [say(name, value, f"{told} is allowed") for name, value in came if name not in allowed]
    if unknown:
        raise RequestError(
            "unknown-parameter", f"{unknown[0].where!r} isn't a parameter here; {told} is allowed", unknown
        )
    given = [name for name, _ in came]
    if len(given) > len(set(given)):
        twice = next(name for name in given if given.count(name) > 1)
        raise refuse_parameter(twice, request.query_params.getall(twice), "it may come once")


def read_time(text: str | None, where: str) -> datetime | None:
    """The instant a parameter names, None where it isn't given."""
    if text is None:
        return None
    try:
        return parse_time(text, where=where)
    except InvalidValueError as error:
        raise refuse_parameter(
            where, text, "an RFC 3339 time with a zone is allowed, such as 2021-01-16T17:00:00Z"
        ) from error


def read_span(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """`start` and `end`, in order where both are given."""
    begin, stop = read_time(start, "start"), read_time(end, "end")
    if begin is not None and stop is not None and begin >= stop:
        raise refuse_parameter("end", end, f"a time after start ({start}) is allowed")
    return begin, stop


def read_box(text: str | None) -> Box | None:
    """The bounding box a parameter names: west, south, east, north.

    >>> read_box("2.2,48.8,2.5,48.9")
    (2.2, 48.8, 2.5, 48.9)
    """
    if text is None:
        return None
    allowed = "west,south,east,north in degrees is allowed, such as 2.22,48.81,2.47,48.91"
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise refuse_parameter("bbox", text, allowed) from error
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise refuse_parameter("bbox", text, allowed)
    return west, south, east, north


def check_sector(name: str | None) -> str | None:
    """`name`, if it is a sector's."""
    if name is not None and name not in list(Sector):
        raise refuse_parameter("sector", name, f"one of {', '.join(Sector)} is allowed")
    return name


def check_quantity(name: str | None) -> str | None:
    """`name`, if it is a quantity's."""
    known = [quantity.name for quantity in list_quantities()]
    if name is not None and name not in known:
        raise refuse_parameter("quantity", name, f"one of {', '.join(known)} is allowed")
    return name and get_quantity(name).name


def check_choice(where: str, value: str, allowed: Iterable[str]) -> str:
    """`value`, if it is one of `allowed`."""
    if value not in allowed:
        raise refuse_parameter(where, value, f"one of {', '.join(allowed)} is allowed")
    return value
