"""The first sheet of an Excel workbook (ECMA-376, Office Open XML) as columns of strings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from xml.etree.ElementTree import Element

import polars as pl

from passerelle.feeds._xml import read_xml
from passerelle.feeds._zip import read_zip
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile("([A-Z]{1,3})[1-9][0-9]*")


def read_sheet(reply: Reply, *schemes: Sequence[str]) -> pl.DataFrame:
    """The rows under the first as strings: `row`, `raw` (all cells) and the columns of the first of `schemes` it has.

    `row` counts rows after the header from 1. An empty cell is an empty string. A number is in its
    shortest decimal form: a workbook holds 0.1 as 0.10000000000000001, which is the same double.
    """
    parts = read_zip(reply)
    sheet = _parse(reply, parts, _find_sheet(reply, parts))
    shared = _read_shared(reply, parts)
    rows = [
        {_column(cell): _read_cell(cell, shared) for cell in row.iterfind("c")}
        for row in sheet.iterfind("sheetData/row")
    ]
    header = {text.strip(): letters for letters, text in rows[0].items()} if rows else {}
    scheme = next((scheme for scheme in schemes if header.keys() >= set(scheme)), None)
    if scheme is None:
        raise ReplyError(
            f"the columns of none of its forms are there; expected {' or '.join(str(list(one)) for one in schemes)}, "
            f"got {[name[:40] for name in header]}",
            where="header",
        )
    columns = {name: [row.get(header[name], "") for row in rows[1:]] for name in scheme}
    raw = [" | ".join(row.values()) for row in rows[1:]]
    frame = pl.DataFrame({"raw": raw, **columns}, schema=dict.fromkeys(("raw", *scheme), pl.String))
    return frame.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"), pl.all())


def _parse(reply: Reply, parts: Mapping[str, bytes], name: str) -> Element:
    if name not in parts:
        raise ReplyError(f"the archive is no workbook: it has no {name!r}, but {sorted(parts)[:20]}", where="body")
    return read_xml(replace(reply, body=parts[name]))[1]


def _find_sheet(reply: Reply, parts: Mapping[str, bytes]) -> str:
    first = _parse(reply, parts, "xl/workbook.xml").find("sheets/sheet")
    wanted = None if first is None else first.get(_RELATION)
    for relation in _parse(reply, parts, "xl/_rels/workbook.xml.rels"):
        if relation.get("Id") == wanted:
            target = relation.get("Target", "")
            return target[1:] if target.startswith("/") else f"xl/{target}"
    raise ReplyError("the workbook has no sheet", where="xl/workbook.xml")


def _read_shared(reply: Reply, parts: Mapping[str, bytes]) -> dict[int, str]:
    """The texts that cells refer to by number; pronunciations beside them (`rPh`) are left out."""
    if "xl/sharedStrings.xml" not in parts:
        return {}
    items = _parse(reply, parts, "xl/sharedStrings.xml").iterfind("si")
    return {number: _text(item) for number, item in enumerate(items)}


def _text(item: Element) -> str:
    return "".join(part.text or "" for path in ("t", "r/t") for part in item.iterfind(path))


def _column(cell: Element) -> str:
    found = _CELL.fullmatch(cell.get("r", ""))
    if found is None:
        raise ReplyError(f"a cell is called {cell.get('r')!r}, not by column and row", where="sheet")
    return found[1]


def _read_cell(cell: Element, shared: Mapping[int, str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext("v") or ""
    if kind == "inlineStr":
        return _text(cell.find("is") or Element("is"))
    try:
        if kind == "s":
            return shared[int(value)]
        return format(Decimal(repr(float(value))), "f").removesuffix(".0") if kind == "n" and value else value
    except (ValueError, KeyError) as error:
        raise ReplyError(f"cell {cell.get('r')} of type {kind!r} holds {value[:40]!r}", where="sheet") from error
