"""The columns of a reply in Parquet, under the names and types that its form expects."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.model.errors import ReplyError


def read_parquet(body: bytes, *schemes: Mapping[str, pa.DataType]) -> pl.DataFrame:
    """The columns of the first of `schemes` that the reply has all of, as their types, and `row`, which counts from 1.

    Extra columns are left out.
    """
    if not body.startswith(b"PAR1"):
        raise ReplyError(f"Parquet begins with b'PAR1', this reply with {body[:16]!r}", where="body")
    try:
        file = pq.ParquetFile(io.BytesIO(body), page_checksum_verification=True)
        columns = _choose(schemes, file.schema_arrow.names)
        table = file.read(columns=list(columns), use_threads=False)
        table.validate(full=True)
        # A table of our own names and types: Polars panics where a broken schema's words aren't UTF-8.
        rows = pl.DataFrame(pa.table({name: table[name].cast(kind) for name, kind in columns.items()}))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ReplyError(f"the Parquet can't be read: {error}", where="body") from error
    return rows.with_columns(row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))


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
