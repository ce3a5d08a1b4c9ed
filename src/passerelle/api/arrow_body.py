"""Rows of an Arrow stream that anybody may have written: bounded before they are unpacked, four types a column.

Unpacking is where an Arrow body grows: 45 KiB of compressed buffers hold gigabytes. So the heads of its messages are
read first (Arrow's `Message.fbs`), and compressed ones are refused.
"""

from __future__ import annotations

import io
import struct

import polars as pl
import pyarrow as pa

from passerelle.api.problem import RequestError, say

COLUMNS = ("series", "start", "end", "value", "reason")
MOST_ROWS = 1_000_000
"""Rows in one body; imports of files have no such bound."""

MOST_MESSAGES = 10_000
"""Batches and dictionaries of one stream; each costs more than its bytes."""

MOST_TEXT = 64 * 1024**2
"""Bytes of a column's texts written out, as the lake will hold them."""

_TIME = pa.timestamp("us", "UTC")
_HEADER_TYPE, _HEADER = 1, 2  # fields of Message
_DICTIONARY, _RECORD_BATCH = 2, 3  # values of MessageHeader
_LENGTH, _COMPRESSION = 0, 3  # fields of RecordBatch
_DATA = 1  # field of DictionaryBatch


def read_arrow(body: bytes) -> pl.DataFrame:
    """The columns of `body` as they are named there: text, times in UTC, float64."""
    try:
        _check_messages(body)
        with pa.ipc.open_stream(io.BytesIO(body)) as stream:
            _check_schema(stream.schema)
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, struct.error, UnicodeDecodeError) as error:
        raise RequestError("unreadable", f"the body is not an Arrow stream: {str(error).splitlines()[0]}") from error
    return pl.DataFrame({name: _convert(name, table[name]) for name in table.column_names})


def _check_messages(body: bytes) -> None:
    """Raise where buffers are compressed, or rows or messages too many."""
    rows = messages = 0
    for message in pa.ipc.MessageReader.open_stream(io.BytesIO(body)):
        messages += 1
        head = message.metadata.to_pybytes()
        root = struct.unpack_from("<I", head)[0]
        kind = head[_find_field(head, root, _HEADER_TYPE)]
        if kind not in (_DICTIONARY, _RECORD_BATCH):
            continue
        batch = _follow(head, _find_field(head, root, _HEADER))
        if kind == _DICTIONARY:
            batch = _follow(head, _find_field(head, batch, _DATA))
        if _find_field(head, batch, _COMPRESSION):
            told = "buffers that are not compressed are allowed"
            raise RequestError("unsupported-media", f"compressed buffers came; {told}", [say("body", "", told)])
        length = _find_field(head, batch, _LENGTH)
        rows += struct.unpack_from("<q", head, length)[0] if length else 0
        if rows > MOST_ROWS:
            told = f"at most {MOST_ROWS} rows are allowed in one body"
            raise RequestError("too-large", f"the body has {rows} rows; {told}", [say("body", rows, told)])
        if messages > MOST_MESSAGES:
            told = f"at most {MOST_MESSAGES} batches are allowed in one body"
            raise RequestError("too-large", f"the body has more batches; {told}", [say("body", messages, told)])


def _follow(head: bytes, at: int) -> int:
    return int(at + struct.unpack_from("<I", head, at)[0])


def _find_field(head: bytes, table: int, field: int) -> int:
    """Where a field of a FlatBuffers table lies, 0 where it is left out; Arrow has verified the offsets."""
    vtable = table - struct.unpack_from("<i", head, table)[0]
    place = 4 + 2 * field
    if place >= struct.unpack_from("<H", head, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", head, vtable + place)[0]
    return int(table + offset) if offset else 0


def _check_schema(schema: pa.Schema) -> None:
    names = schema.names
    extra = [name for name in names if name not in COLUMNS or names.count(name) > 1]
    missing = [name for name in ("series", "start", "end") if name not in names]
    if extra or missing:
        told = f"the columns {', '.join(COLUMNS)} are allowed, the last two optional"
        shown = ", ".join(names[:20])[:200]
        raise RequestError("refused", f"the columns {shown} came; {told}", [say("columns", shown, told)])
    for field in schema:
        allowed = _disallow(field.name, field.type)
        if allowed:
            came = str(field.type)[:200]
            raise RequestError("refused", f"{field.name} is {came}; {allowed}", [say(field.name, came, allowed)])


def _disallow(name: str, kind: pa.DataType) -> str:
    """What is allowed in the column, where `kind` isn't."""
    types = pa.types
    if name in ("start", "end"):
        return "" if types.is_timestamp(kind) and kind.tz else "a timestamp with a time zone is allowed"
    if name == "value":
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal128(kind) or types.is_null(kind)
        return "" if number else "integers, floats and decimal128 are allowed"
    words = kind.value_type if types.is_dictionary(kind) else kind
    text = types.is_string(words) or types.is_large_string(words) or types.is_string_view(words)
    return "" if text or (name == "reason" and types.is_null(kind)) else "text, plain or as a dictionary, is allowed"


def _convert(name: str, column: pa.ChunkedArray) -> pl.Series:
    if name not in ("start", "end", "value"):
        return _read_text(name, column)
    try:
        return pl.Series(name, column.cast(pa.float64() if name == "value" else _TIME))
    except pa.ArrowException as error:
        told = str(error).splitlines()[0]
        raise RequestError("refused", f"{name}: {told}", [say(name, column.type, told)]) from error


def _read_text(name: str, column: pa.ChunkedArray) -> pl.Series:
    """The texts, unless they would be far longer than the body: dictionaries and views write a text once."""
    if pa.types.is_dictionary(column.type) and column.num_chunks:
        column = column.unify_dictionaries()
        indices = pa.chunked_array([chunk.indices.cast(pa.int64()) for chunk in column.chunks])
        texts = pl.Series(name, column.chunk(0).dictionary, pl.String).gather(pl.Series(indices))
    else:
        texts = pl.Series(name, column, pl.String)
    written = texts.str.len_bytes().sum()
    if written > MOST_TEXT:
        told = f"at most {MOST_TEXT} bytes of text are allowed in a column"
        raise RequestError("too-large", f"{name} has {written} bytes; {told}", [say(name, written, told)])
    return texts
