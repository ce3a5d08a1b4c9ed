"""Parsed rows checked: their words become series, and each row that can't be admitted says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from passerelle.archive.limits import Fault, Integers, Limits, Rows
from passerelle.feeds.feed import Feed
from passerelle.model.errors import PasserelleError
from passerelle.model.observation import OBSERVATION, REFUSED
from passerelle.model.quantity import get_quantity
from passerelle.model.series import Series

WORDS = ("place", "quantity", "facet")
UNREADABLE = "not readable in the feed's form"

_NOT_A_SERIES = "no series of this feed"
_REPEATS = "repeats an earlier row"
_CONFLICTS = "conflicts with an earlier row"
_KINDS = {
    Fault.UNKNOWN_SERIES: _NOT_A_SERIES,
    Fault.OTHER_FEED: _NOT_A_SERIES,
    Fault.NEITHER_VALUE_NOR_REASON: "neither a value nor a reason",
    Fault.VALUE_AND_REASON: "both a value and a reason for having none",
    Fault.EMPTY_INTERVAL: "ends before it starts",
    Fault.WRONG_LENGTH: "interval of another length than the quantity's",
    Fault.OUT_OF_CALENDAR: "before 1800 or after 2200",
    Fault.AHEAD: "begins after it was known",
    Fault.NOT_FINITE: "not a finite number",
    Fault.OUT_OF_BOUNDS: "outside the quantity's bounds",
}
_IN_FRENCH = {
    UNREADABLE: "illisible dans la forme du flux",
    _NOT_A_SERIES: "aucune série de ce flux",
    _REPEATS: "répète une ligne précédente",
    _CONFLICTS: "contredit une ligne précédente",
    "neither a value nor a reason": "ni valeur ni raison",
    "both a value and a reason for having none": "à la fois une valeur et une raison de n'en pas avoir",
    "ends before it starts": "finit avant de commencer",
    "interval of another length than the quantity's": "intervalle d'une autre longueur que celui de la grandeur",
    "before 1800 or after 2200": "avant 1800 ou après 2200",
    "begins after it was known": "commence après le moment où elle fut connue",
    "not a finite number": "n'est pas un nombre fini",
    "outside the quantity's bounds": "hors des bornes de la grandeur",
}
_NOTHING_REFUSED = REFUSED.empty_table()


def say_kind(kind: str) -> dict[str, str]:
    """A kind of reason for which rows are refused, as it is kept, in both languages.

    >>> say_kind("not a finite number")["fr"]
    "n'est pas un nombre fini"
    """
    # An older folder may hold kinds that no program makes any more.
    return {"en": kind, "fr": _IN_FRENCH.get(kind, kind)}


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows that may go into the lake (`OBSERVATION`), their series, and the refused (`REFUSED`) with kinds counted."""

    rows: pa.Table
    series: tuple[Series, ...]
    refused: pa.Table
    kinds: dict[str, int]


class Checker:
    """Checks the rows of one reply or file, table by table; what its words stand for is worked out once.

    Rows name their series by the words of `PARSED`, or by a column `number`, which must then be
    among `known`.
    """

    def __init__(self, feed: Feed, held_at: datetime, known: Limits | None = None) -> None:
        self._feed, self._held_at = feed, held_at
        self._limits = known or Limits.of([])
        self._words = pl.DataFrame(schema={**dict.fromkeys(WORDS, pl.String), "number": pl.Int64, "problem": pl.String})
        self._series: dict[int, Series] = {}

    def check(self, rows: pl.DataFrame) -> Checked:
        """`rows` divided into what the lake may hold and what it may not.

        Of rows with the same series and start the first is kept; the others are refused as repeats,
        or as conflicts where they say something else: which of two is right isn't ours to guess.
        """
        if "number" not in rows.columns:
            rows = self._resolve(rows)
        if not rows["number"].null_count():
            faults = self._limits.check(to_rows(rows), self._held_at, self._feed.id)
            if faults is None and not _has_doubles(rows):
                return Checked(to_observations(rows), self._list_series(rows), _NOTHING_REFUSED, {})
        return self._divide(rows.with_row_index("at"))

    def _divide(self, frame: pl.DataFrame) -> Checked:
        nameless, named = _divide(frame, pl.col("number").is_null())
        faults = self._limits.check(to_rows(named), self._held_at, self._feed.id)
        named = named.with_columns(fault=pl.lit(0, pl.UInt8) if faults is None else pl.Series(faults))
        faulty, named = _divide(named, pl.col("fault") > 0)
        kept, doubled = _divide_doubles(named)
        raw = _raw(frame.columns)
        refused = pl.concat(
            [
                nameless.select("at", "row", kind=pl.lit(_NOT_A_SERIES), reason=self._find_problem(nameless), raw=raw),
                faulty.select("at", "row", kind=_kind(), reason=self._explain(faulty), raw=raw),
                doubled.select("at", "row", "kind", reason="said", raw=raw),
            ]
        ).sort("at")
        return Checked(
            rows=to_observations(kept),
            series=self._list_series(kept),
            refused=refused.select(REFUSED.names).to_arrow().cast(REFUSED),
            kinds=dict(refused.group_by("kind").len().iter_rows()),
        )

    def _resolve(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` with the `number` their words stand for, null where they can't stand for a series."""
        starts = _find_runs(rows)
        heads = rows[starts].select(WORDS) if starts.size * 4 < rows.height else rows.select(WORDS)
        self._learn(heads.unique(maintain_order=True).join(self._words, on=WORDS, how="anti"))
        numbers = heads.join(self._words, on=WORDS, how="left", maintain_order="left")["number"]
        if heads.height < rows.height:
            numbers = numbers.gather(np.repeat(np.arange(starts.size), np.diff(starts, append=rows.height)))
        return rows.with_columns(numbers)

    def _learn(self, words: pl.DataFrame) -> None:
        if words.is_empty():
            return
        found = [self._name(*one) for one in words.iter_rows()]
        numbers = pl.Series("number", [None if isinstance(one, str) else one.number for one in found], pl.Int64)
        problems = pl.Series("problem", [one if isinstance(one, str) else None for one in found], pl.String)
        self._words = self._words.vstack(words.with_columns(numbers, problems))
        self._series |= {one.number: one for one in found if not isinstance(one, str)}
        self._limits = Limits.of((one.number, one.feed, one.quantity) for one in self._series.values())

    def _name(self, place: str, quantity: str, facet: str) -> Series | str:
        try:
            series = Series(self._feed.id, place, quantity, facet)
        except PasserelleError as error:
            return str(error)
        declared = self._feed.quantities
        return series if quantity in declared else f"{quantity!r} is not among the feed's quantities {list(declared)}"

    def _list_series(self, rows: pl.DataFrame) -> tuple[Series, ...]:
        """The series named by words among `rows`; those named by number are in the registry already."""
        if not self._series:
            return ()
        return tuple(self._series[number] for number in rows["number"].unique().sort())

    def _find_problem(self, nameless: pl.DataFrame) -> pl.Series:
        if nameless.is_empty():
            return pl.Series("reason", [], pl.String)
        if set(WORDS) <= set(nameless.columns):
            return nameless.join(self._words, on=WORDS, how="left", maintain_order="left")["problem"]
        return pl.Series("reason", ["has no series"]).new_from_index(0, nameless.height)

    def _explain(self, faulty: pl.DataFrame) -> pl.Expr:
        if faulty.is_empty():
            return pl.lit("")
        at, _ = self._limits.find(faulty["number"].to_numpy())
        names: Sequence[str] = self._limits.quantities
        distinct = [int(one) for one in np.unique(at)]
        quantities = pl.Series("quantity", at).replace_strict(
            {one: names[one] for one in distinct}, return_dtype=pl.String
        )
        intervals = quantities.replace_strict(
            {names[one]: get_quantity(names[one]).interval or "up to ten years" for one in distinct},
            return_dtype=pl.String,
        )
        lower, upper = (pl.Series(bound[at]) for bound in (self._limits.lower, self._limits.upper))
        return _explain_faults(self._feed, self._held_at, quantities, intervals, lower, upper)


def to_rows(frame: pl.DataFrame) -> Rows:
    """The arrays of a frame with `number`, times, `value` and `reason`."""
    return Rows(
        series=frame["number"].to_numpy(),
        start=frame["start"].to_physical().to_numpy(),
        end=frame["end"].to_physical().to_numpy(),
        value=frame["value"].fill_null(float("nan")).to_numpy(),
        empty=frame["value"].is_null().to_numpy() if frame["value"].null_count() else None,
        reasoned=frame["reason"].is_not_null().to_numpy() if frame["reason"].null_count() < frame.height else None,
    )


def to_observations(frame: pl.DataFrame) -> pa.Table:
    """The rows as the lake takes them, of schema `OBSERVATION`."""
    columns = frame.select(pl.col("number").alias("series"), "start", "end", "value", "reason")
    return columns.to_arrow().cast(OBSERVATION)


def _find_runs(rows: pl.DataFrame) -> Integers:
    """The rows at which the words change: publishers mostly give one series' rows together."""
    changes = rows.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in WORDS))
    starts: Integers = np.flatnonzero(changes.to_series().to_numpy())
    return starts


def _has_doubles(rows: pl.DataFrame) -> bool:
    """Whether two rows have the same series and start; files are mostly in order of one or of the other."""
    series, start = rows["number"].to_numpy(), rows["start"].to_physical().to_numpy()
    if _ascends(series, start) or _ascends(start, series):
        return False
    # Equal keys have equal mixtures, so that as many mixtures as rows settle it; the multiplier is Knuth's for 64 bits.
    mixed = series.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start.view(np.uint64)
    if pl.Series(mixed).n_unique() == rows.height:
        return False
    return bool(rows.select(pl.struct("number", "start").n_unique()).item() < rows.height)


def _ascends(major: Integers, minor: Integers) -> bool:
    higher = major[1:] > major[:-1]
    return bool((higher | ((major[1:] == major[:-1]) & (minor[1:] > minor[:-1]))).all())


def _divide(frame: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that meet the condition, and the others."""
    met = frame.select(condition).to_series()
    return (frame.filter(met), frame.filter(~met)) if met.any() else (frame.clear(), frame)


def _divide_doubles(named: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not _has_doubles(named):
        return named, named.clear().with_columns(kind=pl.lit(""), said=pl.lit(""))
    key = ["number", "start"]
    marked = named.with_columns(
        first_at=pl.col("at").first().over(key),
        first_row=pl.col("row").first().over(key),
        same=pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(name).first().over(key)) for name in ("end", "value", "reason")
        ),
    )
    doubled = marked.filter(pl.col("at") != pl.col("first_at")).with_columns(
        kind=pl.when("same").then(pl.lit(_REPEATS)).otherwise(pl.lit(_CONFLICTS)),
        said=pl.when("same")
        .then(pl.format("repeats row {}", "first_row"))
        .otherwise(pl.format("conflicts with row {}, which is kept", "first_row")),
    )
    kept = marked.filter(pl.col("at") == pl.col("first_at"))
    return kept.select(named.columns), doubled.select([*named.columns, "kind", "said"])


def _raw(columns: Sequence[str]) -> pl.Expr:
    shown = (*WORDS, "start", "end", "value", "reason")
    names = [name for name in (("number", *shown[3:]) if "place" not in columns else shown) if name in columns]
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("null") for name in names], separator=" | ")


def _kind() -> pl.Expr:
    return pl.col("fault").replace_strict({int(fault): kind for fault, kind in _KINDS.items()}, return_dtype=pl.String)


def _explain_faults(
    feed: Feed, held_at: datetime, quantity: pl.Series, interval: pl.Series, lower: pl.Series, upper: pl.Series
) -> pl.Expr:
    """An expression over the faulty rows: what came and what was allowed."""
    of, stated, low, high = (pl.lit(one) for one in (quantity, interval, lower, upper))
    known_at = held_at.isoformat()
    said = {
        Fault.UNKNOWN_SERIES: pl.format("{} is not a series of feed {}", "number", pl.lit(feed.id)),
        Fault.OTHER_FEED: pl.format("{} is a series of another feed than {}", "number", pl.lit(feed.id)),
        Fault.NEITHER_VALUE_NOR_REASON: pl.lit("has neither a value nor a reason for having none"),
        Fault.VALUE_AND_REASON: pl.format("has the value {} and a reason for having none", "value"),
        Fault.EMPTY_INTERVAL: pl.format("starts at {} and must end later than {}", "start", "end"),
        Fault.WRONG_LENGTH: pl.format("lasts from {} to {}; {} is stated for {}", "start", "end", of, stated),
        Fault.OUT_OF_CALENDAR: pl.format("lies at {} to {}; 1800 to 2200 is allowed", "start", "end"),
        Fault.AHEAD: pl.format("starts at {}; known at {}, it may start an hour later", "start", pl.lit(known_at)),
        Fault.NOT_FINITE: pl.format("value {} is not a finite number", "value"),
        Fault.OUT_OF_BOUNDS: pl.format("value {} is outside {} to {} of {}", "value", low, high, of),
    }
    reason = pl.lit(None, pl.String)
    for fault, words in said.items():
        reason = pl.when(pl.col("fault") == int(fault)).then(words).otherwise(reason)
    return reason
