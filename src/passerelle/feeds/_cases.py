"""Requests of citizens (CSV): what of a reply may be kept, and counts per place, category and local day."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from passerelle.feeds._rows import local_days
from passerelle.model.errors import ReplyError

Scheme = Mapping[str, pl.Expr]
"""A publisher's columns that may be kept, each with the text that is kept of it; the first tells when."""

_BOM = b"\xef\xbb\xbf"


def keep_columns(body: bytes, schemes: Sequence[Scheme], *, separator: str = ",") -> bytes:
    """The reply with only the columns of the first of `schemes` that it is in, and of these what may be kept.

    A line that can't be read for certain comes out as a line of empty values at the end, so that
    their number is still known. A reply that is in no scheme is refused, none of it kept.
    """
    _require_whole(body)
    lost = []

    def lose(row: pc.InvalidRow) -> str:
        lost.append("\n" in row.text)
        return "skip"

    try:
        table = pc.read_csv(
            io.BytesIO(body.removeprefix(_BOM)),
            read_options=pc.ReadOptions(use_threads=False, block_size=len(body) + 1),
            parse_options=pc.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=lose),
            convert_options=_as_text(body, separator),
        )
        # A header with a separator within a name leaves columns that were read as something else than text.
        frame = pl.DataFrame(table).cast(pl.String)
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError):
        # The reader's own message may quote a case, so it is not passed on.
        raise ReplyError("the reply can't be read as CSV; none of it was kept", where="body") from None
    if any(lost):
        raise ReplyError(
            "a line with too many or too few values goes on over others: which quotation mark is the stray one "
            "can't be told; none of the reply was kept",
            where="body",
        )
    return write_kept(frame, find_scheme(frame.columns, schemes), len(lost), separator=separator)


def write_kept(frame: pl.DataFrame, scheme: Scheme, lost: int, *, separator: str = ",") -> bytes:
    """What may be kept of a frame of strings as CSV, with `lost` lines of empty values at the end."""
    told = next(iter(scheme))
    kept = frame.select(pl.when(text != "").then(text).alias(name) for name, text in scheme.items())
    kept = kept.select(pl.when(pl.col(told).is_not_null()).then(pl.col(name)).alias(name) for name in scheme)
    blank = pl.DataFrame({name: [None] * lost for name in scheme}, schema=dict.fromkeys(scheme, pl.String))
    return pl.concat([kept, blank]).write_csv(separator=separator, quote_style="necessary").encode()


def find_scheme(names: Sequence[str], schemes: Sequence[Scheme]) -> Scheme:
    """The first of `schemes` whose columns all stand once among `names`."""
    for scheme in schemes:
        if all(names.count(name) == 1 for name in scheme):
            return scheme
    # The names that came aren't shown: a reply without its header would show a case.
    raise ReplyError(
        f"the reply has {len(names)} columns; expected among them {' or '.join(str(list(each)) for each in schemes)}",
        where="header",
    )


def split_header(line: str, separator: str = ",") -> list[str]:
    """The names of a header that has no separator within a name."""
    return [name.strip('"') for name in line.removesuffix("\r").split(separator)]


def count_per_day(cases: pl.DataFrame, clock: str, quantity: str, value: pl.Expr, zone: ZoneInfo) -> pl.DataFrame:
    """`value` of the `cases` of each `place`, `facet` and local day of the instant `clock`."""
    day = pl.col(clock).dt.convert_time_zone(zone.key).dt.date()
    counted = cases.group_by("place", "facet", day.alias("day"), maintain_order=True).agg(
        value.cast(pl.Float64).alias("value"), pl.col("row").min()
    )
    return counted.with_columns(quantity=pl.lit(quantity), **local_days(pl.col("day"), zone)).select(
        "place", "quantity", "facet", "start", "end", "value", "row"
    )


def _require_whole(body: bytes) -> None:
    """Say why a reply can't be one of cases, without quoting it."""
    text = body.removeprefix(_BOM)
    if not text.strip():
        raise ReplyError("the reply is empty", where="body")
    if text.lstrip().startswith(b"<"):
        raise ReplyError(
            "the reply is markup, such as a page with an error, not data; none of it was kept", where="body"
        )
    if not text.endswith(b"\n"):
        raise ReplyError(
            "the last line breaks off without a line end: the reply was cut short; none of it was kept", where="body"
        )
    if text.count(b'"') % 2:
        raise ReplyError("a quotation mark is never closed; none of the reply was kept", where="body")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        # Not raised from it: the error holds the whole reply.
        where = f"byte {error.start} is 0x{text[error.start]:02x}"
        raise ReplyError(f"the reply is no UTF-8: {where}; none of it was kept", where="body") from None


def _as_text(body: bytes, separator: str) -> pc.ConvertOptions:
    header = body.removeprefix(_BOM).lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    return pc.ConvertOptions(
        column_types=dict.fromkeys(split_header(header, separator), pa.string()), strings_can_be_null=False
    )
