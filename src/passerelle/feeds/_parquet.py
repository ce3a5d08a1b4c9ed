"""The columns of a reply in Parquet, under the names and types that its form expects."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.feeds._text import LARGEST
from passerelle.model.errors import ReplyError

_BATCH_ROWS = 65_536


def read_parquet(body: bytes, *schemes: Mapping[str, pa.DataType]) -> pl.DataFrame:
    """The columns of the first of `schemes` that the reply has all of, as their types, and `row`, which counts from 1.

    Extra columns are left out.
    """
    if not body.startswith(b"PAR1"):
        raise ReplyError(f"Parquet begins with b'PAR1', this reply with {body[:16]!r}", where="body")
    try:
        file = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True)
        columns = _choose(schemes, file.schema_arrow.names)
        table = read_columns(file, list(columns))
        table.validate(full=True)
        # A table of our own names and types: Polars panics where a broken schema's words aren't UTF-8.
        rows = pl.DataFrame(pa.table({name: table[name].cast(kind) for name, kind in columns.items()}))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ReplyError(f"the Parquet can't be read: {error}", where="body") from error
    return rows.with_columns(row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


def read_columns(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """The columns, in the file's order; `ReplyError` where they unpack to more than `LARGEST` bytes.

    A million equal values take some bytes of a file, so that its own size says nothing of theirs.
    """
    told = f"the Parquet unpacks to more than {LARGEST} bytes"
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = (group.column(at) for group in groups for at in range(group.num_columns))
    # A page is unpacked whole.
    pages = (chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.partition(".")[0] in columns)
    if sum(pages) > LARGEST:
        raise ReplyError(told, where="body")
    batches, size = [], 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
        size += batch.nbytes
        if size > LARGEST:
            raise ReplyError(told, where="body")
        batches.append(batch)
    return pa.Table.from_batches(batches) if batches else file.schema_arrow.empty_table()


def _choose(schemes: Sequence[Mapping[str, pa.DataType]], names: Sequence[str]) -> Mapping[str, pa.DataType]:
    missing = [[name for name in scheme if name not in names] for scheme in schemes]
    for scheme, lacking in zip(schemes, missing, strict=True):
        if not lacking:
            return scheme
    needed = " or ".join(
        f"{lacking} are needed; expected {list(scheme)}" for scheme, lacking in zip(schemes, missing, strict=True)
    )
    raise ReplyError(f"columns {needed}, got {list(names)}", where="schema")


def show(columns: Iterable[str]) -> pl.Expr:
    """A refused row's text: its values, separated by commas."""
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("null") for name in columns], separator=",")


def list_values(rows: pl.DataFrame, columns: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """A row for each number of `columns`, each with its quantity and facet; an empty one gives none."""
    words = pl.DataFrame(
        [(column, *named) for column, named in columns.items()], schema=["column", "quantity", "facet"], orient="row"
    )
    index = ["row", "place", "start", "end"]
    numbers = rows.select(*index, pl.col(*columns).cast(pl.Float64))
    long = numbers.unpivot(list(columns), index=index, variable_name="column", value_name="value")
    return long.drop_nulls("value").join(words, on="column", maintain_order="left")
