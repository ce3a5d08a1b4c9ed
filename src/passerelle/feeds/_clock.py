"""Written times as UTC instants, and the intervals they mark, without a loop over rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from passerelle.feeds._rows import local_instant, plausible, refuse_where

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}
"""Microseconds in one step of a count since 1970-01-01T00:00:00Z."""

RFC3339 = "rfc3339"

_SHORT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_DIGITS = {
    "%Y": r"\d{4}",
    "%y": r"\d\d",
    "%j": r"\d{1,3}",
    **dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S", "%e"), r"\d{1,2}"),
    **dict.fromkeys(("%b", "%B", "%a", "%A", "%p"), r"\pL{1,12}\.?"),
    "%z": r"(?:Z|[+-]\d\d:?\d\d)",
    "%.f": r"(?:\.\d{1,9})?",
}
_TOKEN = re.compile(r"%\.f|%.|[^%]", re.DOTALL)
_TWICE = "the clock shows {} twice and a row before this one has it"


def is_complete(pattern: str) -> bool:
    """Whether `pattern` says a year, and nothing that can't be read here."""
    tokens = _TOKEN.findall(_expand(pattern))
    known = all(token in _DIGITS for token in tokens if token.startswith("%"))
    return known and ("%Y" in tokens or "%y" in tokens) and "".join(tokens) == _expand(pattern)


def parse_length(iso: str) -> str:
    """An ISO 8601 duration of one unit in Polars' words, days and longer being the calendar's.

    >>> parse_length("PT15M"), parse_length("P1D"), parse_length("P1M"), parse_length("PT3600S")
    ('15m', '1d', '1mo', '1h')
    """
    count, unit = int(iso.strip("PTYMWDHS")), iso[-1]
    if "T" not in iso:
        return f"{count}{ {'Y': 'y', 'M': 'mo', 'W': 'w', 'D': 'd'}[unit] }".replace(" ", "")
    seconds = count * {"H": 3600, "M": 60, "S": 1}[unit]
    step, name = next((step, name) for step, name in ((3600, "h"), (60, "m"), (1, "s")) if seconds % step == 0)
    return f"{seconds // step}{name}"


def read_instants(
    rows: pl.DataFrame,
    columns: Sequence[str],
    pattern: str | None,
    zone: ZoneInfo,
    *,
    keys: Sequence[str],
    twice: Literal["first", "in_order"],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with the UTC `instant` their `columns` say, and the rows refused.

    `keys` name the series a row belongs to: where the clock shows a time twice, the first row of a
    series is the first occurrence, and the second row the second if they stand `in_order`.
    """
    said = pl.concat_str([pl.col(name).cast(pl.String).str.slice(0, 40) for name in columns], separator=" ")
    instant, clock = _read(rows, columns, pattern)
    if clock is None:
        return refuse_where(rows.with_columns(instant=instant), pl.col("instant").is_null(), _not(said, pattern))
    read, unread = refuse_where(
        rows.with_columns(clock=plausible(clock)), pl.col("clock").is_null(), _not(said, pattern)
    )
    read = read.with_columns(instant=local_instant(pl.col("clock"), zone), later=_second(pl.col("clock"), zone))
    kept, skipped = refuse_where(
        read, pl.col("instant").is_null(), pl.format("{} doesn't exist: the clock skips it", said)
    )
    doubled = pl.col("later") != pl.col("instant")
    if not kept.select(doubled.any()).item():
        return kept.drop("clock", "later"), pl.concat([unread, skipped])
    kept = kept.with_columns(nth=pl.when(doubled).then(pl.int_range(pl.len()).over([*keys, "clock"])).otherwise(0))
    kept, again = refuse_where(kept, pl.col("nth") > (1 if twice == "in_order" else 0), pl.format(_TWICE, said))
    kept = kept.with_columns(instant=pl.when(pl.col("nth") == 1).then("later").otherwise("instant"))
    return kept.drop("clock", "later", "nth"), pl.concat([unread, skipped, again])


def mark_interval(marks: Literal["start", "end", "instant"], length: str, zone: ZoneInfo) -> dict[str, pl.Expr]:
    """`start` and `end` of the interval of `length` (as `parse_length`) that column `instant` marks.

    Days and longer are the calendar's in `zone`. An end that the clock skips or that lies in no
    plausible year is null.
    """
    instant = pl.col("instant")
    step = f"-{length}" if marks == "end" else length
    if length[-1] in "hms":
        other = plausible(instant.dt.replace_time_zone(None).dt.offset_by(step)).dt.replace_time_zone("UTC")
    else:
        local = instant.dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
        other = local_instant(local.dt.offset_by(step), zone)
    return {"start": other, "end": instant} if marks == "end" else {"start": instant, "end": other}


def _read(rows: pl.DataFrame, columns: Sequence[str], pattern: str | None) -> tuple[pl.Expr, pl.Expr | None]:
    """Either the instant, or a null instant and the time on the wall."""
    first = rows.schema[columns[0]]
    if len(columns) == 1 and first.is_temporal():
        if isinstance(first, pl.Datetime) and first.time_zone is not None:
            return _utc(pl.col(columns[0]).dt.convert_time_zone("UTC")), None
        return pl.lit(None), pl.col(columns[0]).cast(pl.Datetime("us"))
    text = pl.concat_str([pl.col(name).cast(pl.String).str.strip_chars() for name in columns], separator=" ")
    if pattern in EPOCHS:
        number = pl.when(text.str.contains(r"^-?[0-9]{1,16}(\.[0-9]{1,9})?$")).then(text).cast(pl.Float64)
        return _utc((number * EPOCHS[pattern]).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))), None
    if pattern == RFC3339:
        pattern, text = "%Y-%m-%d %H:%M:%S%.f%z", text.str.replace("[Tt]", " ").str.to_uppercase()
    pattern = _expand(pattern or "")
    completed, added = _complete(pattern)
    # The parser itself would take "1/2/2021" for the hour 21 of a year 20, and blanks for nothing.
    text = pl.when(text.str.contains(f"^{_match(pattern)}$")).then(text)
    clock, late = _read_midnight(text, pattern, added, completed)
    if "%z" in completed:
        return _utc(clock + late), None
    return pl.lit(None), clock + late


def _read_midnight(text: pl.Expr, pattern: str, added: str, completed: str) -> tuple[pl.Expr, pl.Expr]:
    """The time without the day that "24:00" adds, and that day."""
    if "%H" in pattern:
        midnight = f"^({_match(pattern.partition('%H')[0])})24(:?00(?::?00(?:\\.0+)?)?)?($|[^0-9:.])"
        late = pl.when(text.str.contains(midnight)).then(pl.duration(days=1)).otherwise(pl.duration())
        text = text.str.replace(midnight, "${1}00${2}${3}")
    else:
        late = pl.duration()
    text = text.str.replace("Z$", "+0000") if "%z" in pattern else text
    zoned = "UTC" if "%z" in completed else None
    return (text + added).str.to_datetime(completed, time_unit="us", time_zone=zoned, strict=False), late


def _match(pattern: str) -> str:
    """A regular expression of the texts that `pattern` is meant for."""
    return "".join(_DIGITS.get(token, re.escape(token)) for token in _TOKEN.findall(pattern))


def _complete(pattern: str) -> tuple[str, str]:
    """`pattern` with the parts of a time it leaves out, and the text that says their first moment."""
    added, text = "", ""
    for names, addition, begin in (
        (("%m", "%b", "%B", "%j"), " %m", " 01"),
        (("%d", "%e", "%j"), " %d", " 01"),
        (("%H", "%I"), " %H", " 00"),
        (("%M",), " %M", " 00"),
    ):
        if not any(name in pattern for name in names):
            added, text = added + addition, text + begin
    return pattern + added, text


def _expand(pattern: str) -> str:
    for short, full in _SHORT.items():
        pattern = pattern.replace(short, full)
    return pattern


def _utc(instant: pl.Expr) -> pl.Expr:
    return plausible(instant.dt.replace_time_zone(None)).dt.replace_time_zone("UTC")


def _second(clock: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    return clock.dt.replace_time_zone(zone.key, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")


def _not(said: pl.Expr, pattern: str | None) -> pl.Expr:
    return pl.format("'{}' is not a time as {}", said, pl.lit(pattern or "Parquet has them"))
