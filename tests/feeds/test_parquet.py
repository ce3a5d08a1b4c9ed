"""Columns of a Parquet file: bounded by what they unpack to."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from passerelle.feeds import _parquet
from passerelle.feeds._parquet import read_parquet
from passerelle.model.errors import ReplyError


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand equal rows are some thousand bytes of a file, and are counted as they unpack."""
    sink = io.BytesIO()
    pq.write_table(pa.table({name: ["a"] * 100_000 for name in ("one", "two")}), sink, compression="zstd")
    assert len(sink.getvalue()) < 10_000
    assert read_parquet(sink.getvalue(), {"two": pa.string()})["two"].to_list() == ["a"] * 100_000
    # A string of one byte takes four more for its offset: 500,000 bytes a column.
    monkeypatch.setattr(_parquet, "LARGEST", 750_000)
    assert read_parquet(sink.getvalue(), {"two": pa.string()}).height == 100_000
    with pytest.raises(ReplyError, match="unpacks to more than 750000 bytes"):
        read_parquet(sink.getvalue(), {"one": pa.string(), "two": pa.string()})


def test_no_rows() -> None:
    """A file without rows has its columns all the same."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"one": pa.array([], pa.int64())}), sink)
    assert read_parquet(sink.getvalue(), {"one": pa.int64()}).columns == ["one", "row"]
