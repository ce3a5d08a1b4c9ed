"""Tables of observations as CSV, Parquet or an Arrow stream, written piece by piece so that size doesn't matter."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from passerelle.api.bodies import ARROW_STREAM

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": ARROW_STREAM,
}
PIECE_ROWS = 100_000


class _Spool(io.RawIOBase):
    """A sink whose bytes are taken away as they come, so that a file never lies whole in memory."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def write_pieces(kind: str, schema: pa.Schema, tables: Iterator[pa.Table]) -> Iterator[bytes]:
    """The bytes of a file of `kind` (`csv`, `parquet`, `arrow`) with the rows of all `tables`, of one `schema`."""
    spool = _Spool()
    shown = _times_as_text(schema.empty_table()).schema if kind == "csv" else schema
    writer = _WRITERS[kind](spool, shown)
    for table in tables:
        writer.write_table(_times_as_text(table) if kind == "csv" else table)
        if taken := spool.take():
            yield taken
    writer.close()
    yield spool.take()


def _times_as_text(table: pa.Table) -> pa.Table:
    """`table` with its times as RFC 3339 text, which is what a CSV holds."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.strftime(table.column(at), format="%Y-%m-%dT%H:%M:%SZ")
            table = table.set_column(at, field.name, pc.replace_substring(text, ".000000Z", "Z"))
    return table


_WRITERS: dict[str, Callable[[_Spool, pa.Schema], pa.csv.CSVWriter]] = {
    "csv": lambda sink, schema: pa_csv.CSVWriter(
        sink, schema, write_options=pa_csv.WriteOptions(quoting_style="needed")
    ),
    "parquet": lambda sink, schema: pq.ParquetWriter(sink, schema, compression="zstd"),
    "arrow": lambda sink, schema: pa.ipc.new_stream(sink, schema),
}
