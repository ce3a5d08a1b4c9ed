"""The names in replies of every form."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import polars as pl
import pytest

from passerelle.feeds.feed import Reply
from passerelle.trust.names import list_names


def reply(body: bytes) -> Reply:
    return Reply(body, datetime(2023, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"a;b c;d\n1;2;3\n", ("a", "b c", "d")),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", ("a", "b")),
        ("Périmètre\tNature\n".encode("latin-1"), ("Périmètre", "Nature")),
        (
            b'{"data": {"bikes": [{"id": "a"}, {"lat": 1}]}}',
            ("data", "data.bikes[]", "data.bikes[].id", "data.bikes[].lat"),
        ),
        (b'<a x="1"><b>1</b><b>2</b></a>', ("a", "a@x", "a/b")),
        (b"{not json", ()),
        (b"   ", ()),
        (bytes(range(1, 32)), ()),
    ],
)
def test_names_stand_in_the_replys_order(body: bytes, names: tuple[str, ...]) -> None:
    """Columns of delimited text, keys of JSON and elements of XML with their path; none of what can't be read."""
    assert list_names(reply(body)) == names


def test_packed_tables_have_names() -> None:
    """The columns of a Parquet file, and of the first file of a zip."""
    table = io.BytesIO()
    pl.DataFrame({"t": [1], "value": [2.0]}).write_parquet(table)
    assert list_names(reply(table.getvalue())) == ("t", "value")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("20200101_LMP.csv", "INTERVALSTARTTIME_GMT,MW\n")
    assert list_names(reply(packed.getvalue())) == ("INTERVALSTARTTIME_GMT", "MW")
