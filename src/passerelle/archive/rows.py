"""Parsed rows checked: their words become series, and each row that can't be admitted says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from passerelle.archive.limits import Fault, Limits, Rows
from passerelle.feeds.feed import Feed
from passerelle.model.errors import PasserelleError
from passerelle.model.observation import OBSERVATION, REFUSED
from passerelle.model.quantity import get_quantity
from passerelle.model.series import Series

WORDS = ("place", "quantity", "facet")

KINDS = {
    Fault.NEITHER_VALUE_NOR_REASON: "neither a value nor a reason",
    Fault.VALUE_AND_REASON: "both a value and a reason for having none",
    Fault.EMPTY_INTERVAL: "ends before it starts",
    Fault.WRONG_LENGTH: "interval of another length than the quantity's",
    Fault.OUT_OF_CALENDAR: "before 1800 or after 2200",
    Fault.AHEAD: "begins after it was known",
    Fault.NOT_FINITE: "not a finite number",
    Fault.OUT_OF_BOUNDS: "outside the quantity's bounds",
}
NOT_A_SERIES = "no series of this feed"
REPEATS = "repeats an earlier row"
CONFLICTS = "conflicts with an earlier row"
UNREADABLE = "not readable in the feed's form"


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows that may go into the lake (`OBSERVATION`), their series, and the refused (`REFUSED`) with kinds counted."""

    rows: pa.Table
    series: tuple[Series, ...]
    refused: pa.Table
    kinds: dict[str, int]


class Checker:
    """Checks the rows of one reply or file, table by table; what its words stand for is worked out once."""

    def __init__(self, feed: Feed, held_at: datetime) -> None:
        self._feed, self._held_at = feed, held_at
        self._words = pl.DataFrame(schema={**dict.fromkeys(WORDS, pl.String), "number": pl.Int64, "problem": pl.String})
        self._series: dict[int, Series] = {}
        self._limits = Limits.of([])

    def check(self, rows: pl.DataFrame) -> Checked:
        """`rows` (columns of `PARSED`) divided into what the lake may hold and what it may not.

        Of rows with the same series and start the first is kept; the others are refused as repeats,
        or as conflicts where they say something else: which of two is right isn't ours to guess.
        """
        self._resolve(rows)
        frame = rows.with_row_index("at").join(self._words, on=WORDS, how="left", maintain_order="left")
        nameless, named = _divide(frame, pl.col("number").is_null())
        faults = self._limits.check(to_rows(named), self._held_at)
        named = named.with_columns(fault=pl.lit(0, pl.UInt8) if faults is None else pl.Series(faults))
        faulty, named = _divide(named, pl.col("fault") > 0)
        kept, doubled = _divide_doubles(named)
        refused = pl.concat(
            [
                nameless.select("at", "row", kind=pl.lit(NOT_A_SERIES), reason="problem", raw=_raw()),
                faulty.select("at", "row", kind=_kind(), reason=self._explain(faulty), raw=_raw()),
                doubled.select("at", "row", "kind", reason="said", raw=_raw()),
            ]
        ).sort("at")
        return Checked(
            rows=to_observations(kept),
            series=tuple(self._series[number] for number in kept["number"].unique().sort()),
            refused=refused.select(REFUSED.names).to_arrow().cast(REFUSED),
            kinds=dict(refused.group_by("kind").len().iter_rows()),
        )

    def _resolve(self, rows: pl.DataFrame) -> None:
        """Give every new combination of words its series' `number`, or else the `problem` with them."""
        words = rows.select(WORDS).unique(maintain_order=True).join(self._words, on=WORDS, how="anti")
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

    def _explain(self, faulty: pl.DataFrame) -> pl.Expr:
        at, _ = self._limits.find(faulty["number"].to_numpy())
        quantities = [get_quantity(name) for name in self._limits.quantities]
        intervals = dict(enumerate(quantity.interval for quantity in quantities))
        return _explain_faults(
            pl.lit(pl.Series("lower", self._limits.lower[at])),
            pl.lit(pl.Series("upper", self._limits.upper[at])),
            pl.lit(pl.Series("interval", at).replace_strict(intervals, return_dtype=pl.String)),
            self._held_at,
        )


def to_observations(frame: pl.DataFrame) -> pa.Table:
    """The rows as the lake takes them, of schema `OBSERVATION`."""
    columns = frame.select(pl.col("number").alias("series"), "start", "end", "value", "reason")
    return columns.to_arrow().cast(OBSERVATION)


def _divide(frame: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that meet the condition, and the others."""
    met = frame.select(condition).to_series()
    return (frame.filter(met), frame.filter(~met)) if met.any() else (frame.clear(), frame)


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


def _divide_doubles(named: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    key = ["number", "start"]
    if not named.select(pl.struct(key).is_duplicated().any()).item():
        return named, named.clear().with_columns(kind=pl.lit(""), said=pl.lit(""))
    marked = named.with_columns(
        first_at=pl.col("at").first().over(key),
        first_row=pl.col("row").first().over(key),
        same=pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(name).first().over(key)) for name in ("end", "value", "reason")
        ),
    )
    kept = marked.filter(pl.col("at") == pl.col("first_at"))
    doubled = marked.filter(pl.col("at") != pl.col("first_at")).with_columns(
        kind=pl.when("same").then(pl.lit(REPEATS)).otherwise(pl.lit(CONFLICTS)),
        said=pl.when("same")
        .then(pl.format("repeats row {}", "first_row"))
        .otherwise(pl.format("conflicts with row {}, which is kept", "first_row")),
    )
    return kept.select(named.columns), doubled.select([*named.columns, "kind", "said"])


def _raw() -> pl.Expr:
    shown = [
        pl.col(name).cast(pl.String).fill_null("null")
        for name in ("place", "quantity", "facet", "start", "end", "value", "reason")
    ]
    return pl.concat_str(shown, separator=" | ").alias("raw")


def _kind() -> pl.Expr:
    return pl.col("fault").replace_strict(
        {int(fault): kind for fault, kind in KINDS.items()}, return_dtype=pl.String, default=None
    )


def _explain_faults(lower: pl.Expr, upper: pl.Expr, interval: pl.Expr, held_at: datetime) -> pl.Expr:
    """An expression over faulty rows with `fault`, `start`, `end`, `value`, `quantity`: the reason in words."""
    said = {
        Fault.NEITHER_VALUE_NOR_REASON: pl.lit("has neither a value nor a reason for having none"),
        Fault.VALUE_AND_REASON: pl.format("has the value {} and a reason for having none", "value"),
        Fault.EMPTY_INTERVAL: pl.format("starts at {} and must end later than {}", "start", "end"),
        Fault.WRONG_LENGTH: pl.format(
            "lasts {}; {} is stated for {}", pl.col("end") - pl.col("start"), "quantity", interval
        ),
        Fault.OUT_OF_CALENDAR: pl.format("lies at {} to {}; 1800 to 2200 is allowed", "start", "end"),
        Fault.AHEAD: pl.format(
            "starts at {}; it was known at {}, and an hour ahead is allowed", "start", pl.lit(held_at)
        ),
        Fault.NOT_FINITE: pl.format("value {} is not a finite number", "value"),
        Fault.OUT_OF_BOUNDS: pl.format("value {} is outside {} to {} of {}", "value", lower, upper, "quantity"),
    }
    reason = pl.lit(None, pl.String)
    for fault, words in said.items():
        reason = pl.when(pl.col("fault") == int(fault)).then(words).otherwise(reason)
    return reason.alias("reason")
