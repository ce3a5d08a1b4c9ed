"""The rows of a `POST /observations`, whichever of its three forms they come in.

Every form ends in one table: `series` as the lake's number, `start`, `end`, `value`, `reason`. What can't be read is
refused with the row (from 1), the column, what came and what is allowed; nothing of such a body is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa

from passerelle.api.arrow_body import COLUMNS, MOST_ROWS, read_arrow
from passerelle.api.problem import MOST_ERRORS, FieldError, RequestError, say
from passerelle.archive.receive import One, to_table
from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import parse_time
from passerelle.model.observation import OBSERVATION
from passerelle.model.series import parse_series_id

ARROW_STREAM = "application/vnd.apache.arrow.stream"
LONGEST_REASON = 200
"""Characters of a withdrawal's reason."""

_LONGEST_SHOWN = 1024**2
_TIME = pl.Datetime("us", "UTC")
_REASON_ALLOWED = f"text of at most {LONGEST_REASON} characters is allowed"
_TIME_ALLOWED = "an RFC 3339 time with a zone is allowed, such as 2021-01-16T17:00:00Z"


class ObservationIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An observation as it is sent: a value, or null and the reason of a withdrawal."""

    series: str
    start: str
    end: str
    value: float | None = None
    reason: str | None = None


class ObservationsIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Several observations in one body, kept all or none."""

    observations: list[ObservationIn]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINGLE = msgspec.json.Decoder(ObservationIn)
_SEVERAL = msgspec.json.Decoder(ObservationsIn)
_STEP = re.compile(r"(\w+)|\[(\d+)\]")
_IS_SEVERAL = re.compile(rb'\s*\{\s*"observations"\s*:')

number_of = lru_cache(maxsize=65_536)(parse_series_id)
"""Ids repeat from batch to batch; the cache holds some 10 MB at most."""


def read_one(body: bytes, content_type: str) -> One | None:
    """The observation of a body of JSON that holds a single one; None for any other body."""
    if content_type != "application/json" or _IS_SEVERAL.match(body):
        return None
    return _read_single(body)


def _read_single(body: bytes) -> One:
    try:
        row = _SINGLE.decode(body)
    except msgspec.ValidationError as error:
        raise _refuse_json(body, error) from error
    except msgspec.DecodeError as error:
        raise RequestError("unreadable", f"the body is not JSON: {error}") from error
    try:
        number = number_of(row.series)
        start, end = parse_time(row.start, where="start"), parse_time(row.end, where="end")
    except InvalidValueError as error:
        raise RequestError("refused", str(error), [say(error.where, getattr(row, error.where), str(error))]) from error
    if row.reason is not None and len(row.reason) > LONGEST_REASON:
        told = f"reason has {len(row.reason)} characters; {_REASON_ALLOWED}"
        raise RequestError("refused", told, [say("reason", row.reason, _REASON_ALLOWED)])
    return One(number, _microseconds(start), _microseconds(end), row.value, row.reason)


def _microseconds(moment: datetime) -> int:
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def read_rows(body: bytes, content_type: str) -> pa.Table:
    """The rows of `body`, a table of schema `OBSERVATION`."""
    reader = READERS.get(content_type)
    if reader is None:
        allowed = ", ".join(READERS)
        fields = [say("content-type", content_type, f"one of {allowed} is allowed")]
        raise RequestError("unsupported-media", f"{content_type[:100]!r} isn't read here; {allowed} are", fields)
    return reader(body)


def _read_json(body: bytes) -> pa.Table:
    if not _IS_SEVERAL.match(body):
        return to_table([_read_single(body)])
    try:
        rows = _SEVERAL.decode(body).observations
    except msgspec.ValidationError as error:
        raise _refuse_json(body, error) from error
    except msgspec.DecodeError as error:
        raise RequestError("unreadable", f"the body is not JSON: {error}") from error
    frame = pl.DataFrame(
        {
            "series": [row.series for row in rows],
            "start": [row.start for row in rows],
            "end": [row.end for row in rows],
            "value": [row.value for row in rows],
            "reason": [row.reason for row in rows],
        },
        schema={"series": pl.String, "start": pl.String, "end": pl.String, "value": pl.Float64, "reason": pl.String},
    )
    return _finish(frame)


def _refuse_json(body: bytes, error: msgspec.ValidationError) -> RequestError:
    message, _, path = str(error).partition(" - at `")
    where = path.rstrip("`").removeprefix("$").lstrip(".") or "body"
    allowed = f'{message}. {{"series", "start", "end", "value" or "reason"}} or {{"observations": [...]}} is allowed'
    came = ""
    # Of a long body the place is enough: decoded without types it would take twenty times its bytes.
    if len(body) <= _LONGEST_SHOWN:
        came = msgspec.json.encode(_look_up(msgspec.json.decode(body), where)).decode()
    return RequestError("refused", f"{where}: {message}", [say(where, came, allowed)])


def _look_up(document: Any, path: str) -> Any:
    """The value at a path such as `observations[3].value`; the whole document for `body`."""
    for name, at in _STEP.findall("" if path == "body" else path):
        document = document[int(at)] if at else document[name]
    return document


def _read_csv(body: bytes) -> pa.Table:
    header = body.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip().replace('"', "").split(",")
    named = set(header)
    if not {"series", "start", "end"} <= named <= set(COLUMNS) or len(header) > len(named):
        told = f"a first line that names the columns {','.join(COLUMNS)} once is needed, the last two optional"
        raise RequestError(
            "refused", f"the first line is {','.join(header)[:100]!r}; {told}", [say("header", header, told)]
        )
    try:
        frame = pl.read_csv(body, infer_schema=False, raise_if_empty=False)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        raise RequestError("unreadable", f"the body is not CSV: {str(error).splitlines()[0]}") from error
    return _finish(frame)


def _read_arrow(body: bytes) -> pa.Table:
    return _finish(read_arrow(body))


READERS: dict[str, Callable[[bytes], pa.Table]] = {
    "application/json": _read_json,
    "text/csv": _read_csv,
    ARROW_STREAM: _read_arrow,
}


def _finish(frame: pl.DataFrame) -> pa.Table:
    """`frame` in the lake's types, or the refusal of the rows that don't fit them."""
    if frame.height == 0:
        raise RequestError("refused", "the body has no rows", [say("body", "0 rows", "at least one row is needed")])
    if frame.height > MOST_ROWS:
        told = f"at most {MOST_ROWS} rows are allowed in one body"
        raise RequestError("too-large", f"the body has {frame.height} rows; {told}", [say("body", frame.height, told)])
    errors: list[FieldError] = []
    columns = {
        "series": _number_series(frame, errors),
        "start": _convert(frame, "start", _TIME, _TIME_ALLOWED, errors),
        "end": _convert(frame, "end", _TIME, _TIME_ALLOWED, errors),
        "value": _convert(frame, "value", pl.Float64(), "a number, or nothing with a reason, is allowed", errors),
        "reason": _convert(frame, "reason", pl.String(), _REASON_ALLOWED, errors),
    }
    reason = columns["reason"]
    _list_errors("reason", reason, (reason.str.len_chars() > LONGEST_REASON).fill_null(False), _REASON_ALLOWED, errors)
    if errors:
        told = f"{errors[0].where}: {errors[0].came!r} came, {errors[0].allowed}"
        raise RequestError("refused", told, errors)
    return pl.DataFrame(columns).to_arrow().cast(OBSERVATION)


def _number_series(frame: pl.DataFrame, errors: list[FieldError]) -> pl.Series:
    ids = frame["series"].cast(pl.String)
    # Polars' replace joins two frames, at a tenth of what a whole batch costs.
    coded = ids.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
    numbers = pa.array([_find_number(text) for text in coded.dictionary.to_pylist()], pa.int64())
    found = pl.Series("series", numbers.take(coded.indices), pl.Int64)
    _list_errors(
        "series", ids, found.is_null(), "a series id of 13 characters, from /api/v1/series, is allowed", errors
    )
    return found


def _find_number(text: str) -> int | None:
    try:
        return number_of(text)
    except InvalidValueError:
        return None  # The row is refused for it.


def _convert(frame: pl.DataFrame, name: str, kind: pl.DataType, allowed: str, errors: list[FieldError]) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None] * frame.height, dtype=kind)
    came = frame[name]
    if came.dtype == kind:
        found = came
    elif came.dtype == pl.String and isinstance(kind, pl.Datetime):
        found = came.str.replace_all(" ", "T").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    elif isinstance(came.dtype, pl.Datetime) and isinstance(kind, pl.Datetime):
        found = came.dt.convert_time_zone("UTC").cast(kind)
    else:
        found = came.cast(kind, strict=False)
    wrong = found.is_null() & (came.is_not_null() if name in ("value", "reason") else True)
    _list_errors(name, came, wrong, allowed, errors)
    return found


def _list_errors(name: str, came: pl.Series, wrong: pl.Series, allowed: str, errors: list[FieldError]) -> None:
    room = MOST_ERRORS - len(errors)
    for row in wrong.arg_true().head(room).to_list():
        errors.append(say(f"row {row + 1}, {name}", "" if came[row] is None else came[row], allowed))
