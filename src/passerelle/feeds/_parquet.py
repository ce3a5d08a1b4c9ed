"""The columns of a reply in Parquet, under the names and types that its form expects."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.model.errors import ReplyError


def read_parquet(body: bytes, columns: Mapping[str, pa.DataType]) -> pl.DataFrame:
    """The `columns` as their types, and `row`, which counts from 1; extra columns are left out."""
    if not body.startswith(b"PAR1"):
        raise ReplyError(f"Parquet begins with b'PAR1', this reply with {body[:16]!r}", where="body")
    try:
        file = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True)
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            raise ReplyError(
                f"columns {missing} are needed; expected {list(columns)}, got {file.schema_arrow.names}",
                where="schema",
            )
        table = file.read(columns=list(columns), use_threads=False)
        table.validate(full=True)
        # A table of our own names and types: Polars panics where a broken schema's words aren't UTF-8.
        rows = pl.DataFrame(pa.table({name: table[name].cast(kind) for name, kind in columns.items()}))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ReplyError(f"the Parquet can't be read: {error}", where="body") from error
    return rows.with_columns(row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


def show(columns: Iterable[str]) -> pl.Expr:
    """A refused row's text: its values, separated by commas."""
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("null") for name in columns], separator=",")
