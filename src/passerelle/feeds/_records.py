"""Any CSV, JSON or Parquet as rows of text, with the columns a mapping names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.feeds._csv import REFUSED, read_lines
from passerelle.feeds._parquet import read_columns
from passerelle.feeds._rows import refuse_where
from passerelle.feeds._text import read_bytes, read_text
from passerelle.feeds.feed import Reply
from passerelle.feeds.mapping import Csv, Json, JsonLines, Parquet
from passerelle.model.errors import ReplyError

_TIMES = (pa.types.is_timestamp, pa.types.is_date)
_SHOWN = 20


def named(column: str) -> str:
    """The name `column` has in the rows: in quotes, so that it never meets a name of ours.

    >>> named("start")
    "'start'"
    """
    return f"'{column}'"


def read_records(
    reply: Reply, file: Csv | Json | JsonLines | Parquet, columns: Sequence[str], values: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows (`row` from 1, `raw`, and `columns` in quotes) and those that are none (`REFUSED`).

    Cells are text, blank where there is none; times of Parquet stay times. JSON has keys where a
    table has columns: a record with none of `values` is refused, and a file where one is in no record can't be read.
    """
    if isinstance(file, Csv):
        return _read_csv(reply, file, columns)
    if isinstance(file, Parquet):
        return _read_parquet(read_bytes(reply), columns), pl.DataFrame(schema=REFUSED)
    text = read_text(reply, "utf-8")
    records = text.split("\n") if isinstance(file, JsonLines) else _list_records(text, file.records)
    return _read_json(records, columns, values, sparse=isinstance(file, JsonLines) and file.sparse)


def _read_csv(reply: Reply, file: Csv, columns: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    text = read_text(reply, file.charset)
    for at in range(file.skip_lines):
        _, found, text = text.partition("\n")
        if not found:
            raise ReplyError(f"skip_lines is {file.skip_lines} and the reply has {at + 1} lines", where="body")
    if file.open_end and not text.endswith("\n"):
        text += "\n"
    first = text.partition("\n")[0].removesuffix("\r")
    if not file.header:
        width = len(next(csv.reader([first], delimiter=file.separator), []))
        text = file.separator.join(str(at + 1) for at in range(width)) + "\n" + text
    elif first.startswith((file.separator, f'""{file.separator}')):
        # The index that data frames are written with has no name.
        text = "1" + text.removeprefix('""')
    return read_lines(text, {named(column): column for column in columns}, separator=file.separator)


def _list_records(text: str, path: str) -> list[str]:
    """The text of each record in the list at the dotted `path`."""
    found, walked = msgspec.Raw(text.encode()), "the document"
    try:
        for step in path.split(".") if path else ():
            inside: dict[str, msgspec.Raw] = msgspec.json.decode(found, type=dict[str, msgspec.Raw])
            if step not in inside:
                raise ReplyError(f"{walked} has no {step!r}, it has {list(inside)[:_SHOWN]}", where=path)
            found, walked = inside[step], f"{step!r}"
        records = msgspec.json.decode(found, type=list[msgspec.Raw])
        return [bytes(record).decode() for record in records]
    except msgspec.DecodeError as error:
        raise ReplyError(f"{walked} is not JSON with a list of records at {path!r}: {error}", where="body") from error


def _read_json(
    records: Sequence[str], columns: Sequence[str], values: Sequence[str], *, sparse: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = pl.DataFrame({"raw": pl.Series(records, dtype=pl.String).str.strip_chars()})
    rows = rows.with_columns(row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)).filter(pl.col("raw") != "")
    whole, broken = refuse_where(
        rows, pl.col("raw").str.json_path_match("$").is_null() | (pl.col("raw") == "null"), pl.lit("not JSON")
    )
    if broken.height and whole.is_empty() and not sparse:
        raise ReplyError(f"none of {broken.height} records is JSON; the first: {broken['raw'][0][:80]!r}", where="body")
    absent = [column for column in values if not whole.select(_holds(column).any()).item()]
    if absent and whole.height and not sparse:
        raise ReplyError(f"no record has {absent}; the first record: {whole['raw'][0][:200]!r}", where="body")
    held, without = refuse_where(
        whole,
        ~pl.any_horizontal(pl.lit(not values), *(_holds(column) for column in values)),
        pl.lit(f"has none of {list(values)}"),
    )
    cells = {named(column): pl.col("raw").str.json_path_match(_path(column)).fill_null("") for column in columns}
    return held.with_columns(**cells), pl.concat([broken, without])


def _holds(column: str) -> pl.Expr:
    """Whether the last step of the path stands in the record as a key, with a value or null."""
    step = column.rpartition(".")[2]
    if step.isdigit():
        return pl.lit(value=True)
    return pl.col("raw").str.contains(re.escape(msgspec.json.encode(step).decode()) + r"\s*:")


def _path(column: str) -> str:
    steps = (step.replace("\\", "\\\\").replace("'", "\\'") for step in column.split("."))
    return "$" + "".join(f"[{step}]" if step.isdigit() else f"['{step}']" for step in steps)


def _read_parquet(body: bytes, columns: Sequence[str]) -> pl.DataFrame:
    if not body.startswith(b"PAR1"):
        raise ReplyError(f"Parquet begins with b'PAR1', this reply with {body[:16]!r}", where="body")
    try:
        file = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True)
        schema = file.schema_arrow
        roots = [column if column in schema.names else column.partition(".")[0] for column in columns]
        missing = [column for column, root in zip(columns, roots, strict=True) if root not in schema.names]
        if missing:
            raise ReplyError(f"columns {missing} are needed; got {schema.names}", where="schema")
        table = read_columns(file, list(dict.fromkeys(roots)))
        table.validate(full=True)
        cells = {named(column): _cell(table, column) for column in columns}
        rows = pl.DataFrame(pa.table(cells))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ReplyError(f"the Parquet can't be read: {error}", where="body") from error
    rows = rows.with_columns(pl.col(pl.String).fill_null(""))
    return rows.with_columns(
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        raw=pl.concat_str(pl.all().cast(pl.String).fill_null("null"), separator=","),
    )


def _cell(table: pa.Table, column: str) -> pa.ChunkedArray:
    """The column as text, or as the time it is."""
    if column in table.column_names:
        cell = table[column]
    else:
        root, *steps = column.split(".")
        cell = table[root]
        for step in steps:
            cell = pa.chunked_array([pa.compute.struct_field(chunk, step) for chunk in cell.chunks])
    return cell if any(is_time(cell.type) for is_time in _TIMES) else cell.cast(pa.string())
