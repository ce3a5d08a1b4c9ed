"""Files of observations in Passerelle's own columns: CSV, Parquet and Arrow, read block by block.

Columns: `series` (13 characters, or the number), or else `place`, `quantity` and optionally
`facet`; `start` and `end` (RFC 3339 in CSV, timestamps with a zone elsewhere); `value`; optionally
`reason`, which a row without a value must have.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq

from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.observation import REFUSED
from passerelle.model.series import parse_series_id

FORM = "table"
"""The form of replies that are files of this kind."""

CONTENT_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.stream",
}
BLOCK_ROWS = 1 << 19

_BLOCK_BYTES = 32 << 20
_ARROW_FILE = b"ARROW1"
_NEEDED = frozenset({"start", "end", "value"})
_COLUMNS = (*_NEEDED, "series", "place", "quantity", "facet", "reason")


def find_content_type(path: Path) -> str:
    """The content type that the file's name says; `InvalidValueError` where it is none of ours."""
    try:
        return CONTENT_TYPES[path.suffix.lower()]
    except KeyError:
        raise InvalidValueError(f"{path.name}: {', '.join(CONTENT_TYPES)} can be loaded", where=path.name) from None


def check_columns(path: Path, content_type: str) -> None:
    """Raise `InvalidValueError` where the file's columns aren't observations', before any of it is kept."""
    try:
        with _opened(path, content_type) as (schema, _):
            names = schema.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{path.name} can't be read as {content_type}: {error}", where=path.name) from error
    named = "series" in names or {"place", "quantity"} <= set(names)
    if not named or not set(names) >= _NEEDED or not set(names) <= set(_COLUMNS):
        raise InvalidValueError(
            f"{path.name} has the columns {names}; series or place and quantity, with start, end and value, "
            "are needed, facet and reason allowed",
            where=path.name,
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Rows with the columns a `Checker` reads, rows that can't be read (`REFUSED`), the share of the file done."""

    rows: pl.DataFrame
    unreadable: pa.Table
    done: float


def read_blocks(path: Path, content_type: str) -> Iterator[Block]:
    """The file's rows in order; `ReplyError` where it breaks off."""
    seen = 0
    try:
        with _opened(path, content_type) as (_, batches):
            for batch, done in batches:
                yield _read_block(batch, seen, done)
                seen += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ReplyError(f"{content_type} breaks off after row {seen}: {error}", where=path.name) from error


_Batches = Iterator[tuple[pa.RecordBatch, float]]


@contextmanager
def _opened(path: Path, content_type: str) -> Iterator[tuple[pa.Schema, _Batches]]:
    if content_type == CONTENT_TYPES[".parquet"]:
        with pq.ParquetFile(path) as file:
            yield file.schema_arrow, _count(file.iter_batches(BLOCK_ROWS), file.metadata.num_rows)
    elif content_type == CONTENT_TYPES[".csv"]:
        with pa.OSFile(str(path)) as source, _open_csv(path, source) as reader:
            yield reader.schema, ((batch, source.tell() / source.size()) for batch in reader)
    else:
        with pa.memory_map(str(path)) as source:
            yield _open_arrow(source)


def _count(batches: Iterator[pa.RecordBatch], rows: int) -> _Batches:
    seen = 0
    for batch in batches:
        seen += batch.num_rows
        yield batch, seen / rows


def _open_csv(path: Path, source: pa.NativeFile) -> pa.csv.CSVStreamingReader:
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    # Every cell is read as text, so that one that isn't a number refuses its row and not the file.
    types = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return pa.csv.open_csv(source, pa.csv.ReadOptions(block_size=_BLOCK_BYTES), convert_options=types)


def _open_arrow(source: pa.MemoryMappedFile) -> tuple[pa.Schema, _Batches]:
    """Schema and batches of either of Arrow's two framings."""
    framed = source.read(len(_ARROW_FILE)) == _ARROW_FILE
    source.seek(0)
    if framed:
        file = pa.ipc.open_file(source)
        count = file.num_record_batches
        return file.schema, ((file.get_batch(at), (at + 1) / count) for at in range(count))
    stream = pa.ipc.open_stream(source)
    return stream.schema, ((batch, source.tell() / source.size()) for batch in stream)


def _read_block(batch: pa.RecordBatch, seen: int, done: float) -> Block:
    came = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
    absent = [name for name in ("reason", "facet") if name not in came.columns]
    rows = _name_series(came.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)).with_columns(
        *(_read_time(came.schema[name], name) for name in ("start", "end")),
        pl.col("value").cast(pl.Float64, strict=False),
        pl.col("reason").cast(pl.String),
        row=pl.int_range(seen + 1, seen + 1 + pl.len(), dtype=pl.Int64),
    )
    bad = rows["start"].is_null() | rows["end"].is_null() | (rows["value"].is_null() & came["value"].is_not_null())
    if not bad.any():
        return Block(rows, REFUSED.empty_table(), done)
    refused = rows.select("row", reason=pl.lit("times must be RFC 3339 with a zone, and the value a number"))
    raw = came.select(pl.concat_str(pl.all().cast(pl.String).fill_null("null"), separator=" | ")).to_series()
    unreadable = refused.with_columns(raw=raw).filter(bad).to_arrow().cast(REFUSED)
    return Block(rows.filter(~bad), unreadable, done)


def _name_series(came: pl.DataFrame) -> pl.DataFrame:
    if "series" not in came.columns:
        return came.with_columns(
            pl.col("place").cast(pl.String).fill_null(""),
            pl.col("quantity").cast(pl.String).fill_null(""),
            pl.col("facet").cast(pl.String).fill_null(""),
        )
    if came.schema["series"].is_integer():
        return came.with_columns(number=pl.col("series").cast(pl.Int64))
    distinct = came["series"].cast(pl.String).unique().drop_nulls().to_list()
    numbers = {text: _find_number(text) for text in distinct}
    return came.with_columns(number=pl.col("series").cast(pl.String).replace_strict(numbers, return_dtype=pl.Int64))


def _find_number(text: str) -> int | None:
    try:
        return parse_series_id(text)
    except InvalidValueError:
        return None


def _read_time(came: pl.DataType, name: str) -> pl.Expr:
    column = pl.col(name)
    if came == pl.String:
        # Without an offset a time would be guessed; the pattern lets none through.
        zoned = pl.when(column.str.contains(r"[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")).then(column)
        return zoned.str.to_datetime(time_unit="us", time_zone="UTC", strict=False, ambiguous="null").alias(name)
    if isinstance(came, pl.Datetime) and came.time_zone is not None:
        return column.cast(pl.Datetime("us", "UTC")).alias(name)
    return pl.lit(None, pl.Datetime("us", "UTC")).alias(name)
