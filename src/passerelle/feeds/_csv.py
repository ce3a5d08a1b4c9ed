"""Lines of delimited text as columns of strings, each line judged by itself.

A publisher's stray quote must not swallow the lines after it, so a value never spans lines here:
a line that isn't well formed (RFC 4180, section 2, without line breaks in values) is refused and
the lines around it are read as if it weren't there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

import polars as pl

from passerelle.model.errors import ReplyError

REFUSED = {"row": pl.Int64, "reason": pl.String, "raw": pl.String}


def read_lines(
    text: str, required: Sequence[str] | Mapping[str, str], *, separator: str = ",", ignore: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines as strings (`row`, `raw` and the `required` columns) and the refused ones (`REFUSED`).

    A mapping `required` gives the name each column has in the answer, and the header's.
    `row` counts lines after the header from 1. Blank lines and those that begin with the pattern
    `ignore` say nothing and are neither read nor refused. Extra columns are left out. Text that doesn't end
    in a line end is a `ReplyError`: every recorded reply of these forms ends in one, so it was cut short,
    and what is gone after the cut can't be told from what never was. A last line of `ignore` is excepted.
    """
    header, _, body = text.partition("\n")
    wanted = required if isinstance(required, Mapping) else dict(zip(required, required, strict=True))
    names = _read_header(header.removesuffix("\r"), list(wanted.values()), separator)
    _require_whole(text, ignore)
    raw = pl.col("raw")
    said = raw.str.strip_chars(" \t") != ""
    if ignore is not None:
        said &= ~raw.str.contains(f"^(?:{ignore})")
    lines = (
        pl.LazyFrame({"raw": body.split("\n")})
        .with_columns(raw.str.strip_suffix("\r"), row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .filter(said)
        .with_columns(reason=_judge(len(names), separator))
        .collect()
    )
    refused = lines.filter(pl.col("reason").is_not_null()).select("row", "reason", "raw")
    return _split(lines.filter(pl.col("reason").is_null()), names, wanted, separator), refused


def _read_header(line: str, required: Sequence[str], separator: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([line], delimiter=separator, strict=True), [])]
    except csv.Error as error:
        raise ReplyError(f"the header {line[:200]!r} can't be read: {error}", where="header") from error
    if "" in names[:-1]:
        # Beside lines that end with a separator, one more column in the header would shift every value.
        raise ReplyError(f"a column has no name; expected {list(required)}, got {names}", where="header")
    missing = [name for name in required if names.count(name) != 1]
    shown = [name[:40] for name in names]
    if len(missing) == len(required):
        raise ReplyError(
            f"the header has none of the columns once: expected {list(required)}, got {shown}", where="header"
        )
    if missing:
        raise ReplyError(
            f"columns {missing} are needed once each; expected {list(required)}, got {shown}",
            where="header",
        )
    return names


def _require_whole(text: str, ignore: str | None) -> None:
    last = text.rpartition("\n")[2]
    if not last or (ignore is not None and re.match(ignore, last)):
        return
    # The line isn't shown: some publishers' lines hold what nobody may read.
    raise ReplyError(
        f"the last line breaks off after {len(last)} characters, without a line end: the reply was cut short",
        where="body",
    )


def _well_formed(width: int, separator: str) -> str:
    mark = re.escape(separator)
    value = f'(?:[^"{mark}]*|"(?:[^"]|"")*")'
    return f"{value}(?:{mark}{value}){{{width - 1}}}"


def _judge(width: int, separator: str) -> pl.Expr:
    # A trailing separator is allowed: one publisher ends each data line, but not the header, with one.
    line = f"^{_well_formed(width, separator)}{re.escape(separator)}?$"
    return pl.when(~pl.col("raw").str.contains(line)).then(pl.lit(f"not {width} values separated by {separator!r}"))


def _split(lines: pl.DataFrame, names: list[str], required: Mapping[str, str], separator: str) -> pl.DataFrame:
    columns = [f"column_{index}" for index in range(len(names))]
    picked = {name: columns[names.index(column)] for name, column in required.items()}
    if lines.is_empty():
        values = pl.DataFrame(schema=dict.fromkeys(required, pl.String))
    else:
        trailing = f"^({_well_formed(len(names), separator)}){re.escape(separator)}$"
        values = pl.read_csv(
            ("\n".join(lines["raw"].str.replace(trailing, "${1}")) + "\n").encode(),
            has_header=False,
            separator=separator,
            schema=dict.fromkeys(columns, pl.String),
        ).select(**{name: pl.col(column).fill_null("") for name, column in picked.items()})
    if values.height != lines.height:
        raise ReplyError(f"{lines.height} lines were read as {values.height} rows", where="body")
    return pl.concat([lines.select("row", "raw"), values], how="horizontal").rechunk()
