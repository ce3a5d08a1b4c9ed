"""What a sample of a table seems to be: its file, its columns of time, place and numbers.

A guess is shown to a person, and what the mapping made of it says is tried on the sample.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from passerelle.feeds._clock import RFC3339, read_instants
from passerelle.feeds._records import named, read_records
from passerelle.feeds._text import read_bytes, read_text
from passerelle.feeds.feed import Reply
from passerelle.feeds.mapping import Csv, Json, JsonLines, Parquet
from passerelle.model.errors import ReplyError

File = Csv | Json | JsonLines | Parquet

_HEAD = 50
_ROWS = 20_000
_DEEP = 6
_FEW = 40
_NUMBER = r"^[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,2})?$"
_DATE = r"^\d{1,4}[-/. ]\d{1,2}|^\d{4}$|^\d{8}"
_CLOCK = r"^\d{1,2}:\d\d(:\d\d)?$"
_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%Y%m%d",
)
_HOURS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H", "T%H", " %H:%M:%S%.f", "T%H:%M:%S%.f", "%H%M")
_FORMATS = (*(day + hour for day in _DAYS for hour in _HOURS), "%Y-%m", "%Y")
_SECONDS_2000_2100 = (946_684_800, 4_102_444_800)
_YEAR = re.compile(r"(?i)^(year|years|ann[ée]e|an|jahr|a[ñn]o|anno)$")
_LONGITUDE, _LATITUDE = re.compile(r"(?i)\b(lon|lng|long|longitude)\b"), re.compile(r"(?i)\b(lat|latitude)\b")
_PLACE = re.compile(
    r"(?i)(^|[\W_])(id|code|station|counter|bin|state|site|sensor|capteur|district|location|facility|garage|name|nom|area|zone)"
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a sample seems to be.

    `cells` are its rows as text, by the columns' names. `formats` are all that read every time, the likelier
    first; None is a Parquet time. `words` are what stands among numbers without being one, with how often.
    """

    file: File
    decimal: str
    cells: pl.DataFrame
    time: tuple[str, ...]
    formats: tuple[str | None, ...]
    length: str | None
    place: str | None
    name: str | None
    longitude: str | None
    latitude: str | None
    long: tuple[str, str] | None
    numbers: tuple[str, ...]
    words: Mapping[str, int]


def guess(reply: Reply) -> Guess:
    """What the sample seems to be; `ReplyError` where it is no table."""
    file = _guess_file(reply)
    columns = list_columns(reply, file)
    rows, _ = read_records(reply, file, columns, ())
    cells = rows.head(_ROWS).select(**{column: pl.col(named(column)) for column in columns})
    comma = isinstance(file, Csv) and file.separator != "," and _has_commas(cells)
    time, formats = _guess_time(cells)
    numbers = [column for column in columns if column not in time and _is_number(cells[column])]
    longitude = next((column for column in numbers if _LONGITUDE.search(column)), None)
    latitude = next((column for column in numbers if _LATITUDE.search(column)), None)
    place = _guess_place(cells, [column for column in columns if column not in (*time, longitude, latitude)], time)
    numbers = [column for column in numbers if column not in (place, longitude, latitude)]
    return Guess(
        file=file,
        decimal="," if comma else ".",
        cells=cells,
        time=time,
        formats=formats,
        length=_guess_length(cells, time, formats[0]) if formats else None,
        place=place,
        name=_guess_name(cells, place, (*time, *numbers)),
        longitude=longitude,
        latitude=latitude,
        long=_guess_long(cells, time, place, numbers),
        numbers=tuple(numbers),
        words=_find_words(cells.select(numbers)),
    )


def list_columns(reply: Reply, file: File) -> list[str]:
    """The names by which a mapping calls the sample's columns."""
    if isinstance(file, Csv):
        line = read_text(reply, file.charset).splitlines()[file.skip_lines]
        names = [name.strip() for name in next(csv.reader([line], delimiter=file.separator))]
        names = [name or "1" if at == 0 else name for at, name in enumerate(names) if name or at == 0]
        return names if file.header else [str(at + 1) for at in range(len(names))]
    if isinstance(file, Parquet):
        return list(_walk_schema(pq.read_schema(io.BytesIO(read_bytes(reply)))))
    text = read_text(reply, "utf-8")
    first = text.split("\n")[:_HEAD] if isinstance(file, JsonLines) else []
    records = [json.loads(line) for line in first if line.strip()] or _step(json.loads(text), file)[: _HEAD * 4]
    return list(dict.fromkeys(path for record in records for path in _walk(record, ())))


def _guess_file(reply: Reply) -> File:
    body = read_bytes(reply)
    if body.startswith(b"PAR1"):
        return Parquet()
    text = body.decode("utf-8-sig", "replace").lstrip()
    if not text.startswith(("{", "[")):
        return _guess_csv(reply)
    try:
        tree = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.DecodeError:
        return JsonLines()
    found = max(_find_lists(tree, ()), key=lambda pair: pair[1], default=None)
    if found is None:
        raise ReplyError("the JSON has no list of records; a list of objects is needed", where="body")
    return Json(records=".".join(found[0]))


def _guess_csv(reply: Reply) -> Csv:
    charset = "utf-8"
    try:
        text = read_text(reply, charset)
    except ReplyError:
        charset = "windows-1252"
        text = read_text(reply, charset)
    lines = text.splitlines()[:_HEAD]
    # The separator that cuts most of the first lines into the same number of cells.
    counted = {mark: Counter(len(row) for row in csv.reader(lines, delimiter=mark)) for mark in ",;\t|"}
    best = {
        mark: max(((many, width) for width, many in each.items() if width > 1), default=(0, 0))
        for mark, each in counted.items()
    }
    separator = max(best, key=lambda mark: best[mark])
    width = best[separator][1]
    if width == 0:
        raise ReplyError("the text is no table: no line is cut in two by a comma, semicolon, tab or bar", where="body")
    rows = list(csv.reader(lines, delimiter=separator))
    skipped = next(at for at, row in enumerate(rows) if len(row) == width)
    first = rows[skipped]
    return Csv(
        separator=separator,
        charset=charset,
        header=not any(re.match(_NUMBER, cell.strip()) for cell in first) or len(rows) == skipped + 1,
        skip_lines=skipped,
        open_end=not text.endswith("\n"),
    )


def _find_lists(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The paths of lists of records in a tree, with their lengths."""
    if isinstance(tree, list) and tree and isinstance(tree[0], dict):
        yield path, len(tree)
    elif isinstance(tree, dict) and len(path) < _DEEP:
        for name, part in tree.items():
            yield from _find_lists(part, (*path, name))


def _step(tree: Any, file: Json | JsonLines) -> list[Any]:
    for name in file.records.split(".") if isinstance(file, Json) and file.records else ():
        tree = tree[name]
    return list(tree)


def _walk(tree: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The dotted paths of a record's scalars; of a list only where it is short, as a position is."""
    inner = (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) and len(tree) < 4 else ()
    )
    if not isinstance(tree, dict | list):
        yield ".".join(path)
    for name, part in inner if len(path) < _DEEP else ():
        yield from _walk(part, (*path, str(name)))


def _walk_schema(fields: pa.Schema | pa.StructType, path: str = "") -> Iterator[str]:
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _walk_schema(field.type, f"{path}{field.name}.")
        elif not pa.types.is_nested(field.type):
            yield path + field.name


def _has_commas(cells: pl.DataFrame) -> bool:
    texts = [cells[column] for column in cells.columns if cells.schema[column] == pl.String]
    return any(_is_number(text) and bool(text.str.contains(",", literal=True).any()) for text in texts)


def _is_number(cells: pl.Series) -> bool:
    """Whether nearly all that isn't blank is a number."""
    if cells.dtype != pl.String:
        return False
    said = cells.str.strip_chars().filter(cells.str.strip_chars() != "")
    # Words among them may be the publisher's for no value, if they are one or two.
    other = said.filter(~said.str.contains(_NUMBER))
    return other.len() < said.len() and other.n_unique() <= 2


def _guess_time(cells: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    texts = [column for column in cells.columns if cells.schema[column] == pl.String]
    for column in cells.columns:
        if column not in texts:
            return (column,), (None,)
    clocks = [column for column in texts if _all(cells[column], _CLOCK)]
    for column in texts:
        if _reads(cells, (column,), RFC3339):
            return (column,), (RFC3339,)
    for column in (one for one in texts if _all(cells[one].head(1), _DATE)):
        for columns in [*((column, clock) for clock in clocks if clock != column), (column,)]:
            if formats := _list_formats(cells, columns):
                return columns, tuple(formats)
    for column in texts:
        number = cells[column].cast(pl.Float64, strict=False).drop_nulls()
        for pattern, unit in (("epoch_s", 1), ("epoch_ms", 1000)) if number.len() else ():
            low, high = (bound * unit for bound in _SECONDS_2000_2100)
            if number.len() == cells.height and number.is_between(low, high).all():
                return (column,), (pattern,)
    return (), ()


def _list_formats(cells: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """The formats that read every row; fractions of a second only where there are some."""
    found = [one for one in _FORMATS if _reads(cells, columns, one)]
    return [one for one in found if one.removesuffix("%.f") == one or one.removesuffix("%.f") not in found]


def _reads(cells: pl.DataFrame, columns: Sequence[str], pattern: str) -> bool:
    """Whether every row is a time as `pattern` has it; the first is tried alone to be quick."""
    if pattern == "%Y" and not _YEAR.match(columns[0]):
        return False
    texts = cells.select(columns).unique(maintain_order=True)
    return texts.height > 0 and all(_instants(part, columns, pattern)[1].is_empty() for part in (texts.head(1), texts))


def _instants(cells: pl.DataFrame, columns: Sequence[str], pattern: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As `read_instants`, as if the clock were UTC's, which never jumps."""
    quoted = [named(one) for one in columns]
    texts = cells.select(pl.lit(1).alias("row"), pl.lit("").alias("raw"), **{named(one): one for one in columns})
    return read_instants(texts, quoted, pattern, ZoneInfo("UTC"), keys=quoted, twice="first")


def _all(cells: pl.Series, pattern: str) -> bool:
    return bool(cells.len()) and bool(cells.str.strip_chars().str.contains(pattern).all())


def _guess_length(cells: pl.DataFrame, time: Sequence[str], pattern: str | None) -> str | None:
    """The commonest step between one time and the next, as ISO 8601."""
    if pattern in ("%Y", "%Y-%m"):
        return {"%Y": "P1Y", "%Y-%m": "P1M"}[pattern]
    instants, _ = _instants(cells.select(time).unique(), time, pattern)
    steps = instants["instant"].unique().sort().diff().drop_nulls().dt.total_seconds()
    if steps.is_empty():
        return None
    seconds = min(int(step) for step in steps.mode().to_list())
    for size, form in ((86_400, "P{}D"), (3_600, "PT{}H"), (60, "PT{}M"), (1, "PT{}S")):
        if seconds >= size and seconds % size == 0:
            return form.format(seconds // size)
    return None


def _guess_place(cells: pl.DataFrame, columns: Sequence[str], time: Sequence[str]) -> str | None:
    """The first column, likely names first, that with the time tells nearly all rows apart; None where time does."""
    if not time or _tells_apart(cells, time):
        return None
    words = [column for column in columns if _PLACE.search(column) or not _is_number(cells[column])]
    likely = sorted(words, key=lambda column: (_PLACE.search(column) is None, _is_decimal(cells[column])))
    one = next((column for column in likely if _tells_apart(cells, [*time, column])), None)
    return one or next(iter(likely), None)


def _tells_apart(cells: pl.DataFrame, columns: Sequence[str]) -> bool:
    # Some rows may stand twice.
    return cells.select(columns).n_unique() >= 0.95 * cells.height


def _is_decimal(cells: pl.Series) -> bool:
    return _is_number(cells) and bool(cells.str.contains("[.,]").any())


def _guess_name(cells: pl.DataFrame, place: str | None, taken: Sequence[str]) -> str | None:
    """A column of words of which each place has one and no two places the same."""
    if place is None:
        return None
    for column in cells.columns:
        if column in (place, *taken) or cells.schema[column] != pl.String or _is_number(cells[column]):
            continue
        pairs = cells.select(place, column).unique()
        if pairs.height == pairs[place].n_unique() == pairs[column].n_unique():
            return column
    return None


def _guess_long(
    cells: pl.DataFrame, time: Sequence[str], place: str | None, numbers: Sequence[str]
) -> tuple[str, str] | None:
    """The names and values of a long table: words that tell a place's rows of a time apart, and the numbers."""
    keys = [*time, *([place] if place else [])]
    if len(numbers) != 1 or not time or _tells_apart(cells, keys):
        return None
    for column in cells.columns:
        if (
            column not in (*keys, *numbers)
            and cells[column].n_unique() <= _FEW
            and _tells_apart(cells, [*keys, column])
        ):
            return column, numbers[0]
    return None


def _find_words(cells: pl.DataFrame) -> dict[str, int]:
    found: Counter[str] = Counter()
    for column in cells.columns:
        said = cells[column].str.strip_chars()
        found.update(said.filter((said != "") & ~said.str.contains(_NUMBER)).to_list())
    return dict(found)
