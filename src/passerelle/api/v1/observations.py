"""Observations: a series' values as they are now or as they were known, and the door for new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Annotated, Any

import msgspec
import polars as pl
import pyarrow as pa
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from passerelle.api.cursors import Page, read_cursor, write_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, TimeText, check_choice, read_span, read_time
from passerelle.api.post_operation import PostOperation
from passerelle.api.posting import Inbox, PostedOut
from passerelle.api.problem import KINDS, Problem, RequestError, refuse_parameter, say
from passerelle.api.tables import MEDIA_TYPES, PIECE_ROWS, write_pieces
from passerelle.api.trust import TrustOut, show_trust
from passerelle.api.v1.series import find_series
from passerelle.archive.redistribution import Leaving, check_redistribution
from passerelle.lake.contract import POOLED, Selection
from passerelle.model.quantity import Quantity, Statistic, get_quantity
from passerelle.registry.series import StoredSeries
from passerelle.trust.reading import read_windows

BUCKETS = {"PT15M": "15m", "PT30M": "30m", "PT1H": "1h", "P1D": "1d", "P1W": "1w", "P1M": "1mo", "P1Y": "1y"}
"""The lake's buckets and how long each is, in Polars' words."""

_USUAL = {
    Statistic.MEAN: Statistic.MEAN,
    Statistic.SUM: Statistic.SUM,
    Statistic.COUNT: Statistic.SUM,
    Statistic.MIN: Statistic.MIN,
    Statistic.MAX: Statistic.MAX,
}
"""What pools values of each statistic without changing what they mean; counts of an hour add up to the day's."""

_STEP = timedelta(microseconds=1)
_COLUMNS = ["start", "end", "value", "known_since", "source", "reason"]
_AGGREGATE_ALLOWED = (
    f"a bucket of {', '.join(BUCKETS)} is allowed, where another statistic than the quantity's own is meant "
    f"after {', '.join(sorted(POOLED))} and a colon"
)


_REFUSALS = {
    400: "unreadable",
    401: "unauthenticated",
    403: "forbidden",
    413: "too-large",
    415: "unsupported-media",
    422: "refused",
    429: "backlog",
    507: "disk-full",
}


class ObservationOut(msgspec.Struct, frozen=True):
    """A value over `[start, end)`, since when this node knows it, and the number of the reply it came from.

    A withdrawal, seen with `versions=true` only, has a null value and its reason.
    """

    start: datetime
    end: datetime
    value: float | None
    known_since: datetime
    source: int
    reason: str | None


class ObservationPage(msgspec.Struct, frozen=True):
    """One answer of a list of observations, with the light of all of the window asked for."""

    items: list[ObservationOut]
    next: str | None
    trust: TrustOut | None


class BucketOut(msgspec.Struct, frozen=True):
    """One bucket's pooled value, and how many observations it pools; days begin at the city's midnight."""

    start: datetime
    end: datetime
    value: float
    count: int


class BucketPage(msgspec.Struct, frozen=True):
    """One answer of a list of buckets, with the light of all of the window asked for."""

    items: list[BucketOut]
    next: str | None
    trust: TrustOut | None


@get("/series/{series_id:str}/observations", tags=["observations"], sync_to_thread=True)
def list_of_series(
    request: Request[Any, Any, Any],
    node: NamedDependency[Node],
    series_id: FromPath[str],
    start: TimeText = None,
    end: TimeText = None,
    as_known_at: TimeText = None,
    aggregate: Annotated[str | None, QueryParameter(description=_AGGREGATE_ALLOWED)] = None,
    versions: Annotated[bool, QueryParameter(description="Every version of each value, withdrawals too.")] = False,
    format: Annotated[str | None, QueryParameter(schema_extra={"enum": list(MEDIA_TYPES)})] = None,  # noqa: A002
    limit: Annotated[int | None, QueryParameter(ge=1, le=1000, description="JSON only; 1000 unless told.")] = None,
    cursor: Cursor = None,
) -> Response[ObservationPage] | Response[BucketPage] | Response[bytes] | Stream:
    """The series' observations whose start lies in `[start, end)`, by start.

    CSV, Parquet and Arrow streams come whole, JSON in pages. `aggregate` pools values into buckets of the city's
    time; `versions` shows how each value was revised. The light of the window is `trust`, in the schema's metadata
    (`passerelle.trust`) of Parquet and Arrow, and in the header `Passerelle-Trust` of every form.
    """
    series = find_series(node, series_id)
    check_redistribution(node.archive.get_feed(series.feed), Leaving.ROWS)
    begin, stop = read_span(start, end)
    selection = Selection([series.number], begin, stop, read_time(as_known_at, "as_known_at"))
    pooled = _read_aggregate(aggregate, get_quantity(series.quantity))
    if pooled and versions:
        raise refuse_parameter("versions", "true", "versions of single values are allowed, not of an aggregate")
    form = _choose_form(request, format)
    if form != "json":
        if limit is not None or cursor is not None:
            raise refuse_parameter(
                "limit" if cursor is None else "cursor",
                limit or cursor,
                f"start and end bound {form}; limit and cursor are JSON's",
            )
        return _send_table(node, series, selection, form, pooled, versions)
    trust = _read_trust(node, series, selection)
    headers = _trust_headers(trust)
    if pooled:
        buckets = _page_of_buckets(node, selection, pooled, limit or 1000, cursor)
        return Response(BucketPage(buckets.items, buckets.next, trust), headers=headers)
    read = _page_of_versions if versions else _page_of_current
    rows = read(node, selection, limit or 1000, cursor)
    return Response(ObservationPage(rows.items, rows.next, trust), headers=headers)


def _read_trust(node: Node, series: StoredSeries, selection: Selection) -> TrustOut | None:
    """The light of the window asked; where a bound isn't given, from the series' first start, to where it is judged."""
    covered = node.coverage.read_some([series.number]).get(series.number)
    start = selection.start or (None if covered is None else covered["first"])
    if start is None:
        return None
    with node.archive.engine.connect() as connection:
        found = read_windows(connection, [series], {series.number: start}, selection.end, selection.as_known_at)
    return show_trust(found.get(series.number))


def _trust_headers(trust: TrustOut | None) -> dict[str, str]:
    return {} if trust is None else {"passerelle-trust": f"{trust.light}; red-share={trust.red_share:.4f}"}


def _read_aggregate(text: str | None, quantity: Quantity) -> tuple[Statistic, str] | None:
    if text is None:
        return None
    name, _, bucket = text.rpartition(":")
    if bucket not in BUCKETS or (name and name not in POOLED):
        raise refuse_parameter("aggregate", text, _AGGREGATE_ALLOWED)
    if not name and quantity.statistic not in _USUAL:
        told = f"{quantity.name} is a {quantity.statistic}, so that how to pool it must be said, such as mean:{bucket}"
        raise refuse_parameter("aggregate", text, told)
    return (Statistic(name) if name else _USUAL[quantity.statistic]), bucket


def _choose_form(request: Request[Any, Any, Any], name: str | None) -> str:
    if name is not None:
        return check_choice("format", name, MEDIA_TYPES)
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    for form, media_type in MEDIA_TYPES.items():
        if media_type.partition(";")[0] in accepted:
            return form
    if not {"*/*", "application/*"} & set(accepted):
        allowed = ", ".join(each.partition(";")[0] for each in MEDIA_TYPES.values())
        came = ", ".join(accepted)[:100]
        raise RequestError("not-acceptable", f"Accept is {came!r}; {allowed} are there", [say("accept", came, allowed)])
    return "json"


def _page_of_current(node: Node, selection: Selection, limit: int, cursor: str | None) -> Page[ObservationOut]:
    after = read_cursor(cursor, datetime)
    begin = selection.start if after is None else after
    rows = _show(node.archive.lake.read(replace(selection, start=begin), limit + 1))
    following = write_cursor(rows[limit].start) if len(rows) > limit else None
    return Page(rows[:limit], following)


def _page_of_versions(node: Node, selection: Selection, limit: int, cursor: str | None) -> Page[ObservationOut]:
    # A start may have more versions than a page holds: the cursor also says how many of its first start to skip.
    begin, skipped = read_cursor(cursor, tuple[datetime, int]) or (selection.start, 0)
    rows = _show(node.archive.lake.history(replace(selection, start=begin), skipped + limit + 1))[skipped:]
    if len(rows) <= limit:
        return Page(rows, None)
    following = rows[limit].start
    seen = sum(row.start == following for row in rows[:limit]) + (skipped if following == begin else 0)
    return Page(rows[:limit], write_cursor((following, seen)))


def _show(table: pa.Table) -> list[ObservationOut]:
    return msgspec.convert(table.select(_COLUMNS).to_pylist(), list[ObservationOut])


def _page_of_buckets(
    node: Node, selection: Selection, pooled: tuple[Statistic, str], limit: int, cursor: str | None
) -> Page[BucketOut]:
    after = read_cursor(cursor, datetime)
    frame = _read_buckets(node, replace(selection, start=selection.start if after is None else after), pooled)
    rows = msgspec.convert(frame.head(limit + 1).to_dicts(), list[BucketOut])
    following = write_cursor(rows[limit].start) if len(rows) > limit else None
    return Page(rows[:limit], following)


def _read_buckets(node: Node, selection: Selection, pooled: tuple[Statistic, str]) -> pl.DataFrame:
    """`start`, `end`, `value`, `count` of each bucket; `end` is the local clock's, so that a day may have 23 hours."""
    statistic, bucket = pooled
    zone = node.archive.city.time_zone
    table = node.archive.lake.aggregate(selection, bucket, statistic, zone=zone)
    start = pl.col("bucket").cast(pl.Datetime("us", "UTC"))
    # An hour added to a local time would be wrong on the day of a clock change; a day added to UTC likewise.
    offset_zone = zone.key if not bucket.startswith("PT") else "UTC"
    end = start.dt.convert_time_zone(offset_zone).dt.offset_by(BUCKETS[bucket]).dt.convert_time_zone("UTC")
    return pl.DataFrame(table).select(start.alias("start"), end.alias("end"), "value", pl.col("count").cast(pl.Int64))


def _send_table(
    node: Node,
    series: StoredSeries,
    selection: Selection,
    form: str,
    pooled: tuple[Statistic, str] | None,
    versions: bool,
) -> Response[bytes] | Stream:
    """The whole selection in one answer; pieces follow each other where it is large."""
    trust = _read_trust(node, series, selection)
    if pooled:
        first, rest = _read_buckets(node, selection, pooled).to_arrow(), iter(())
    elif versions:
        first, rest = node.archive.lake.history(selection).select(_COLUMNS), iter(())
    else:
        first = node.archive.lake.read(selection, PIECE_ROWS).select(_COLUMNS)
        rest = _read_on(node, selection, first)
    suffix = {"arrow": "arrows"}.get(form, form)
    headers = {"content-disposition": f'attachment; filename="{series.id}.{suffix}"', **_trust_headers(trust)}
    schema = first.schema.with_metadata({"passerelle.trust": msgspec.json.encode(trust)})
    pieces = write_pieces(form, schema, chain([first], rest))
    if first.num_rows < PIECE_ROWS:
        return Response(b"".join(pieces), media_type=MEDIA_TYPES[form], headers=headers)
    return Stream(pieces, media_type=MEDIA_TYPES[form], headers=headers)


def _read_on(node: Node, selection: Selection, table: pa.Table) -> Iterator[pa.Table]:
    """The pieces after `table`; writes between two reads may be seen by the later one only."""
    while table.num_rows == PIECE_ROWS:
        selection = replace(selection, start=table["start"][-1].as_py() + _STEP)
        table = node.archive.lake.read(selection, PIECE_ROWS).select(_COLUMNS)
        yield table


@post(
    "/observations",
    tags=["observations"],
    operation_class=PostOperation,
    responses={status: ResponseSpec(Problem, description=KINDS[kind].title) for status, kind in _REFUSALS.items()},
)
async def post_all(request: Request[Any, Any, Any], inbox: NamedDependency[Inbox]) -> PostedOut:
    """Send observations of the token's feed: all are kept or none, on the disk when the answer comes.

    Series are registered first (`POST /series`). A row without a value withdraws the observation and says why in
    `reason`. With an `Idempotency-Key` the same body can be sent again without being kept twice.
    """
    return await inbox.accept(request.headers, await request.body())
