"""Bodies that anybody may send: what isn't a table of observations is refused with its place, and costs little."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from passerelle.api.bodies import ARROW_STREAM, read_one, read_rows
from passerelle.api.problem import RequestError

SERIES = "0000000000011"
AT = pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
GOOD: dict[str, Any] = {
    "series": [SERIES],
    "start": AT,
    "end": AT,
    "value": [1.0],
    "reason": pa.array([None], "string"),
}


def write_arrow(columns: dict[str, Any], compression: str | None = None) -> bytes:
    """An Arrow stream of one batch."""
    table, sink = pa.table(columns), io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("value", pa.array([[1.0]])),
        ("value", pa.array([{"a": 1}])),
        ("value", pa.array([1], pa.decimal256(60, 2))),
        ("value", pa.array(["1.0"]).dictionary_encode()),
        ("value", pa.array(["1.0"])),
        ("value", pa.array([b"\xff"])),
        ("value", pa.array([1], pa.time64("us"))),
        ("value", pa.array([1], pa.duration("us"))),
        ("value", AT),
        ("value", pa.array([True])),
        ("value", pa.array([(1, 2, 3)], pa.month_day_nano_interval())),
        ("value", pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))),
        ("value", pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1.0])])),
        ("value", pa.RunEndEncodedArray.from_arrays([1], [1.0])),
        ("value", pa.array([2**53 + 1])),
        ("series", pa.array([[SERIES]])),
        ("series", pa.array([SERIES.encode()])),
        ("series", pa.array([SERIES.encode()]).dictionary_encode()),
        ("series", pa.nulls(1)),
        ("reason", pa.array([1])),
        ("start", pa.array(["2024-01-01T00:00:00Z"])),
        ("start", pa.array([0], pa.timestamp("us"))),
        ("start", pa.array([2**60], pa.timestamp("s", "UTC"))),
        ("end", pa.array([1], pa.timestamp("ns", "UTC"))),
        ("end", pa.array([0], pa.date32())),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else each,
)
def test_a_column_of_another_type_is_refused_by_its_name(name: str, column: pa.Array) -> None:
    """Whatever Arrow type stands where it can't be meant is a 422 that names the column."""
    with pytest.raises(RequestError) as refused:
        read_rows(write_arrow({**GOOD, name: column}), ARROW_STREAM)
    assert refused.value.kind == "refused"
    assert [error.where for error in refused.value.errors] == [name]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("value", pa.array([1], pa.uint8())),
        ("value", pa.array([1.0], pa.float64()).cast(pa.float16())),
        ("value", pa.array([1], pa.decimal128(10, 2))),
        ("series", pa.array([SERIES]).dictionary_encode()),
        ("series", pa.array([SERIES], pa.large_string())),
        ("series", pa.array([SERIES], pa.string_view())),
        ("reason", pa.nulls(1)),
        ("start", AT.cast(pa.timestamp("s", "Europe/Paris"))),
        ("start", AT.cast(pa.timestamp("ns", "+05:30"))),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else each,
)
def test_types_that_mean_the_same_read_the_same(name: str, column: pa.Array) -> None:
    """Another width, unit, zone or packing of the same text, number or moment makes the same row."""
    plain = read_rows(write_arrow(GOOD), ARROW_STREAM)
    assert read_rows(write_arrow({**GOOD, name: column}), ARROW_STREAM).equals(plain)
    assert plain["value"].to_pylist() == [1.0]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (write_arrow(GOOD, "zstd"), "unsupported-media"),
        (write_arrow({**GOOD, "series": pa.array([SERIES]).dictionary_encode()}, "lz4"), "unsupported-media"),
        (write_arrow({name: pa.nulls(1_000_001, pa.int8()) for name in "a"}), "too-large"),
        (
            write_arrow(
                {
                    "series": pa.DictionaryArray.from_arrays(np.zeros(1000, np.int8), ["x" * 100_000]),
                    "start": pa.nulls(1000, AT.type),
                    "end": pa.nulls(1000, AT.type),
                }
            ),
            "too-large",
        ),
    ],
    ids=["zstd", "lz4", "rows", "dictionary"],
)
def test_bodies_that_grow_are_refused_unread(body: bytes, kind: str) -> None:
    """Compressed buffers, too many rows, and a long text that a dictionary repeats."""
    with pytest.raises(RequestError) as refused:
        read_rows(body, ARROW_STREAM)
    assert refused.value.kind == kind


def test_a_stream_changed_anywhere_is_read_or_refused() -> None:
    """Of 3,000 streams with up to four bytes changed each is taken or a `RequestError`, nothing else."""
    body, chance = write_arrow(GOOD), np.random.default_rng(2021)
    ends = set()
    for _ in range(3000):
        changed = bytearray(body)
        for at in chance.integers(0, len(body), chance.integers(1, 5)):
            changed[at] = chance.integers(0, 256)
        try:
            read_rows(bytes(changed), ARROW_STREAM)
            ends.add("read")
        except RequestError:
            ends.add("refused")
    assert ends == {"read", "refused"}


def test_a_small_body_takes_little_memory(paris: Any) -> None:
    """A body of some KiB that unpacks to gigabytes is refused, and the node's peak grows by less than 200 MB."""
    process = json.loads((paris.folder / "node.json").read_text())["pid"]

    def peak() -> int:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    zeros = pa.array(np.zeros(30_000_000, np.int64))
    times = zeros.cast(pa.timestamp("us", "UTC"))
    columns = {"series": zeros, "start": times, "end": times, "value": zeros}
    body = write_arrow(columns, "zstd")
    assert len(body) < 100_000
    before = peak()
    headers = {"authorization": f"Bearer {paris.sender}", "content-type": ARROW_STREAM}
    status = httpx.post(f"{paris.url}/api/v1/observations", content=body, headers=headers, timeout=60).status_code
    assert status == 415
    assert peak() - before < 200_000


@pytest.mark.parametrize("form", ["alone", "list", "text/csv", ARROW_STREAM])
def test_a_long_reason_is_refused(form: str) -> None:
    """A reason of 201 characters is a 422 that names it, whichever form it comes in; one of 200 isn't."""

    def send(length: int) -> int:
        reason = "é" * length
        row = {"series": SERIES, "start": "2024-01-01T00:00:00Z", "end": "2024-01-01T01:00:00Z", "reason": reason}
        bodies = {
            "alone": json.dumps(row).encode(),
            "list": json.dumps({"observations": [row]}).encode(),
            "text/csv": pl.DataFrame([row]).write_csv().encode(),
            ARROW_STREAM: write_arrow({**GOOD, "value": pa.nulls(1), "reason": [reason]}),
        }
        return int(read_rows(bodies[form], form if "/" in form else "application/json").num_rows)

    assert send(200) == 1
    with pytest.raises(RequestError) as refused:
        send(201)
    assert refused.value.kind == "refused"
    assert "reason" in refused.value.errors[0].where


def test_a_column_named_twice_is_refused() -> None:
    """A CSV with two columns `value` doesn't say which is meant."""
    body = f"series,start,end,value,value\n{SERIES},2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,1,2\n".encode()
    with pytest.raises(RequestError) as refused:
        read_rows(body, "text/csv")
    assert refused.value.errors[0].where == "header"


@pytest.mark.parametrize(
    ("body", "where", "came"),
    [
        (b'{"series": 5, "start": "a", "end": "b"}', "series", "5"),
        (b'{"observations": [{"series": "x", "start": "a", "end": {"b": 1}}]}', "observations[0].end", '{"b":1}'),
        (b"[1, 2]", "body", "[1,2]"),
    ],
)
def test_a_field_of_another_type_shows_what_came(body: bytes, where: str, came: str) -> None:
    """`came` is the field's own value, not the body's first characters."""
    with pytest.raises(RequestError) as refused:
        read_one(body, "application/json") or read_rows(body, "application/json")
    assert [(error.where, error.came) for error in refused.value.errors] == [(where, came)]
