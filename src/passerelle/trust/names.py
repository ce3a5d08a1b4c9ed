"""The names in a reply, whatever its form: a table's columns, a document's keys or elements with their path."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.feeds._text import read_bytes
from passerelle.feeds._xml import read_xml
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

_SEPARATORS = ",;\t|"
_MOST_NAMES = 500
_ELEMENTS_LOOKED_AT = 200
"""Of a list, so that a document of a hundred thousand vehicles isn't walked whole; keys that are rarer are missed."""


def list_names(reply: Reply) -> tuple[str, ...]:
    """The names in the reply's order, each once, at most 500; none where it is binary or can't be read.

    >>> list_names(Reply(b'{"data": {"bikes": [{"id": "a", "lat": 1.0}]}}', received=...))
    ('data', 'data.bikes[]', 'data.bikes[].id', 'data.bikes[].lat')
    """
    try:
        body = read_bytes(reply)
        return tuple(dict.fromkeys(_cut(_list(reply, body))))
    except (ReplyError, ValueError, csv.Error, pa.ArrowException, zipfile.BadZipFile, zlib.error):
        # Bytes that nobody can read have no names; that the reply is unreadable is said elsewhere.
        return ()


def _cut(names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        seen.add(name)
        if len(seen) > _MOST_NAMES:
            return
        yield name


def _list(reply: Reply, body: bytes) -> Iterator[str]:
    if body.startswith(b"PAR1"):
        yield from pq.read_schema(io.BytesIO(body)).names
    elif body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for name in packed.namelist()[:1]:
                with packed.open(name) as member:
                    yield from _list_columns(member.readline(100_000))
    elif body.lstrip()[:1] in (b"{", b"["):
        yield from _walk(msgspec.json.decode(body), "")
    elif body.lstrip()[:1] == b"<":
        yield from _walk_elements(read_xml(reply)[1], "")
    else:
        yield from _list_columns(body[:100_000])


def _list_columns(head: bytes) -> Iterator[str]:
    line = head.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")
    if any(byte < 32 and byte not in b"\t\r" for byte in line):
        return
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    separator = max(_SEPARATORS, key=text.count)
    for row in csv.reader([text.strip("\r")], delimiter=separator):
        yield from (name.strip() for name in row)


def _walk(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            name = f"{path}.{key}" if path else str(key)
            yield name + ("[]" if isinstance(inner, list) and inner and isinstance(inner[0], dict) else "")
            yield from _walk(inner, name)
    elif isinstance(value, list):
        for inner in value[:_ELEMENTS_LOOKED_AT]:
            yield from _walk(inner, f"{path}[]")


def _walk_elements(element: Element, path: str) -> Iterator[str]:
    name = f"{path}/{element.tag}" if path else element.tag
    yield name
    yield from (f"{name}@{attribute}" for attribute in element.attrib)
    for inner in element[:_ELEMENTS_LOOKED_AT]:
        yield from _walk_elements(inner, name)
