"""Opendatasoft: any dataset of a portal, in whichever of its answers comes (Explore 2.1 and 1, exports).

The feed's `parameters` are a mapping as `docs/feeds.md` describes it, without `file`: which fields are time,
place and values is the dataset's, in what they come is the platform's. Read are

- records of Explore 2.1: `{"total_count", "results": [...]}`;
- an export in JSON, a bare list of records;
- records of Explore 1: `{"nhits", "records": [{"fields": {...}}]}`, which leave out what is null;
- an export in CSV, separated by `;` or by commas.

A point is an object in Explore 2.1, a list of latitude and longitude in Explore 1, and text with both in CSV.
A mapping names its halves `field.lon` and `field.lat`, whatever comes. `OUI` and `NON`, `true` and `false`
in a mapped value are 1 and 0. An error of the platform, which may come with status 200, is said as it came.

Records come a hundred at a time and up to the ten thousandth, so that a feed's address must be an export's.
"""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED, read_lines
from passerelle.feeds._json import read_json
from passerelle.feeds._rows import NOTHING, assemble
from passerelle.feeds._table import parse_mapped
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.feeds.mapping import JsonLines, TableMapping, read_mapping
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.quantity import list_quantities

_Answer = list[msgspec.Raw] | dict[str, msgspec.Raw]

_FILE = {"format": "json_lines"}
_DEGREES = r"(-?[0-9]{1,3}(?:\.[0-9]+)?)"
_EXPORT = re.compile(r"/exports/(?:json|csv)(?:\?|$)")
_SHOWN = 200


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One value per record and field mapped, at the record's place or the one the mapping names."""
    mapping = _read(feed)
    text = read_text(reply, "utf-8")
    malformed, sparse = pl.DataFrame(schema=REFUSED), False
    if text.lstrip().startswith(("{", "[")):
        records, sparse = _list_records(reply)
    else:
        records, malformed = _read_export(text, mapping)
    if records.is_empty():
        return assemble([], NOTHING, [malformed])
    # A line for every row, blank where the row was malformed, so that rows keep their numbers.
    rows = pl.DataFrame({"row": range(1, records["row"].item(-1) + 1)}, schema=records.select("row").schema)
    lines = rows.join(records, on="row", how="left", maintain_order="left").select(_agree(mapping).fill_null(""))
    body = "\n".join(lines.to_series()).encode()
    read = msgspec.structs.replace(mapping, file=JsonLines(sparse=sparse))
    parsed = parse_mapped(replace(reply, body=body), feed, read)
    refused = assemble([], NOTHING, [malformed, pl.DataFrame(parsed.refused)]).refused
    return replace(parsed, refused=refused)


def check(feed: Feed) -> None:
    """Nothing; `InvalidValueError` where the parameters are no mapping, or the address gives records by the page."""
    _read(feed)
    if feed.url and not _EXPORT.search(feed.url):
        raise InvalidValueError(
            f"feed {feed.id!r}: {feed.url} gives at most a hundred records; an address with /exports/json or "
            "/exports/csv gives all",
            where="url",
        )


def _read(feed: Feed) -> TableMapping:
    if "file" in feed.parameters:
        raise InvalidValueError(f"feed {feed.id!r}: file is the platform's and isn't said", where="file")
    return read_mapping(feed, {**feed.parameters, "file": _FILE})


def _list_records(reply: Reply) -> tuple[pl.DataFrame, bool]:
    """Each record's JSON, and whether fields without a value are left out of it."""
    answer: _Answer = read_json(reply, _Answer)
    if isinstance(answer, list):
        return _number_records(answer), False
    name = next((name for name in ("results", "records") if name in answer), None)
    if name is None:
        said = {key: bytes(value).decode(errors="replace")[:_SHOWN] for key, value in list(answer.items())[:5]}
        raise ReplyError(f"results or records are needed; the platform answers {said}", where="body")
    try:
        records = _number_records(msgspec.json.decode(answer[name], type=list[msgspec.Raw]))
    except msgspec.MsgspecError as error:
        raise ReplyError(f"{name} is no list of records: {error}", where=name) from error
    if name == "results":
        return records, False
    fields = pl.col("record").str.json_path_match("$.fields").fill_null("null")
    return records.with_columns(record=fields), True


def _number_records(items: list[msgspec.Raw]) -> pl.DataFrame:
    # A line end in JSON stands between its tokens only: within a text it is written as an escape.
    texts = [bytes(item).decode(errors="replace").replace("\n", " ") for item in items]
    records = pl.DataFrame({"record": texts}, schema={"record": pl.String})
    return records.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"), "record")


def _read_export(text: str, mapping: TableMapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines of a CSV as JSON, and those that are none."""
    header = text.partition("\n")[0]
    separator = ";" if header.count(";") >= header.count(",") else ","
    names = list(dict.fromkeys(_field(column) for column in mapping.list_columns()))
    lines, malformed = read_lines(text, names, separator=separator)
    return lines.select("row", record=pl.struct(names).struct.json_encode()), malformed


def _field(column: str) -> str:
    return column.rpartition(".")[0] if column.endswith((".lat", ".lon")) else column


def _agree(mapping: TableMapping) -> pl.Expr:
    """The record's JSON with points as objects and answers of yes or no as numbers."""
    record = pl.col("record")
    for column in mapping.list_columns():
        if (field := _field(column)) != column:
            written = rf'("{re.escape(field)}"\s*:\s*)(?:\[\s*|"\s*){_DEGREES}\s*,\s*{_DEGREES}\s*[\]"]'
            record = record.str.replace(written, '${1}{"lat":${2},"lon":${3}}')
    for column in mapping.list_values():
        name = re.escape(column.rpartition(".")[2])
        for quoted, bare, number in (("OUI|true", "true", 1), ("NON|false", "false", 0)):
            record = record.str.replace(rf'("{name}"\s*:\s*)(?:"(?:{quoted})"|{bare}\b)', f"${{1}}{number}")
    return record


FORM = Form(
    name="opendatasoft",
    title="Any dataset of an Opendatasoft portal (JSON, CSV)",
    standard="Opendatasoft Explore 2.1 and 1, records and exports",
    grade=Grade.PROVEN,
    quantities=tuple(quantity.name for quantity in list_quantities()),
    request=ask_address,
    parse=parse,
    check=check,
)
