"""A panel from a CSV or Parquet file of anybody: a row for each unit and time, columns by the names given.

Nothing is guessed about values: a cell that is neither a number nor empty, a row without unit or time and a unit that
comes twice at a time are refused with their rows; cells that are absent stay NaN and are counted.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from passerelle.lab.files.panel_times import Clock, read_clock
from passerelle.lab.panel import Flags, Floats, Indices, Panel, panel
from passerelle.model.errors import InvalidValueError, UnknownNameError

SEPARATORS = (",", ";", "\t")
ABSENT = ("", "NA", "N/A", "NaN", "nan", "null", "None", ".")
"""What people write where nothing was seen: R, pandas, SQL, Python, Stata."""

_SHOWN = 5
_NEVER = ("0", "0.0", "inf", "Inf", "never")
"""What stands, beside nothing, in the column of first times for units that never had the change: 0 is R's habit."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The file's names of what a panel holds: `traits` are constant in a unit, `surroundings` at a time.

    `strata` name the groups within which lots were drawn; `given` is 1 where a unit has the change at a time, else 0.
    """

    unit: str
    time: str
    outcome: str
    first: str | None = None
    cluster: str | None = None
    traits: tuple[str, ...] = ()
    surroundings: tuple[str, ...] = ()
    strata: str | None = None
    given: str | None = None

    def __post_init__(self) -> None:
        if len({self.unit, self.time, self.outcome}) < 3:
            raise InvalidValueError(
                f"unit, time and outcome are {self.unit}, {self.time} and {self.outcome}; they must be three columns",
                where="columns",
            )

    @property
    def names(self) -> list[str]:
        """Each column once, in order."""
        optional = [name for name in (self.first, self.cluster, self.strata, self.given) if name]
        return list(dict.fromkeys((self.unit, self.time, self.outcome, *optional, *self.traits, *self.surroundings)))


@dataclass(frozen=True, slots=True, eq=False)
class PanelFile:
    """What was read: the panel, how its times were written, and how many of its cells are absent."""

    panel: Panel
    clock: Clock
    absent: int


def read_panel(
    path: Path,
    columns: Columns,
    *,
    treated: Sequence[str] = (),
    start: str | None = None,
    decimal: str = ".",
    changed: bool = True,
) -> PanelFile:
    """The panel in `path`, where the `treated` units had the change from `start`, or each from its own first time.

    Units stand in the order of their names, times ascend. `treated` may name several units in one text, separated by
    commas; where `columns.first` is given too, both must say the same. Without `changed` no unit had any change.
    """
    frame = _read(path, columns)
    unnamed = frame.filter(pl.col(columns.unit).is_null() | pl.col(columns.time).is_null())
    _refuse(unnamed, f"have no {columns.unit} or no {columns.time}", columns.unit)
    if frame.is_empty():
        raise InvalidValueError(f"{path.name} has no rows", where=path.name)
    names, rows = _number(frame[columns.unit])
    labels, codes = _number(frame[columns.time])
    clock, order = read_clock(labels, columns.time)
    frame = frame.with_columns(at_unit=pl.Series(rows), at_time=pl.Series(order[codes]))
    outcomes = np.full((len(names), len(labels)), np.nan)
    flat = _flat(frame, columns, len(labels))
    outcomes.reshape(-1)[flat] = _numbers(frame, columns.outcome, decimal).to_numpy()
    clusters, strata = (
        None if name is None else _number(_constant(frame, name, "at_unit", columns.unit)[name])[1]
        for name in (columns.cluster, columns.strata)
    )
    given = _given(frame, columns, outcomes.shape, flat, decimal)
    if not changed:
        first = np.full(len(names), np.inf)
    elif given is None:
        first = _first(frame, columns, names, clock, treated, start)
    else:
        first = _since(given, clock)
    found = panel(
        tuple(names),
        clock.times,
        outcomes,
        first,
        clusters=clusters,
        traits=_facts(frame, columns.traits, "at_unit", columns.unit, decimal),
        surroundings=_facts(frame, columns.surroundings, "at_time", columns.time, decimal),
        strata=strata,
        given=given,
    )
    return PanelFile(found, clock, int(np.isnan(outcomes).sum()))


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """The names in `known` that are most like `name`: at most five, all of them where none is like it."""
    folded = {one.casefold(): one for one in reversed(known)}
    return [folded[one] for one in difflib.get_close_matches(name.casefold(), folded, n=_SHOWN)] or list(known)


def _read(path: Path, columns: Columns) -> pl.DataFrame:
    """The columns as text without spaces around it, null where absent, with the row's number from 1."""
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            _require(columns.names, list(pl.read_parquet_schema(path)), path)
            table = pl.scan_parquet(path)
        else:
            separator, known = _read_header(path, columns.names)
            _require(columns.names, known, path)
            table = pl.scan_csv(path, separator=separator, infer_schema=False)
        text = pl.col(columns.names).cast(pl.String).str.strip_chars()
        text = pl.when(text.is_in(ABSENT)).then(None).otherwise(text).name.keep()
        table = table.select(columns.names).with_row_index("row", 1).with_columns(text)
        # A thousand units at ten thousand times are ten million names: kept once each.
        kept_once = pl.col(columns.unit, columns.time).cast(pl.Categorical)
        return table.with_columns(kept_once).collect(engine="streaming")
    except (pl.exceptions.PolarsError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidValueError(f"{path.name} can't be read as a table: {error}", where=path.name) from error


def _read_header(path: Path, wanted: Sequence[str]) -> tuple[str, list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    headers = {mark: next(csv.reader([line], delimiter=mark), []) for mark in SEPARATORS}
    mark = max(SEPARATORS, key=lambda one: (len(set(wanted) & set(headers[one])), len(headers[one])))
    return mark, headers[mark]


def _require(wanted: Sequence[str], known: Sequence[str], path: Path) -> None:
    for name in wanted:
        if name not in known:
            raise UnknownNameError("column", name, nearest(name, known), where=path.name)
        if list(known).count(name) > 1:
            raise InvalidValueError(f"{path.name} has the column {name!r} twice", where=path.name)


def _refuse(faulty: pl.DataFrame, what: str, where: str) -> None:
    if len(faulty):
        shown = ", ".join(str(row) for row in faulty["row"].head(_SHOWN))
        more = f" and {len(faulty) - _SHOWN} more" if len(faulty) > _SHOWN else ""
        raise InvalidValueError(f"rows {shown}{more} (of the data, from 1) {what}", where=where)


def _number(column: pl.Series) -> tuple[list[str], Indices]:
    """The column's distinct texts in order, and which of them each row has."""
    names = column.unique().cast(pl.String).sort().to_list()
    return names, column.cast(pl.String).cast(pl.Enum(names)).to_physical().to_numpy().astype(np.intp)


def _flat(frame: pl.DataFrame, columns: Columns, times: int) -> Indices:
    """Each row's place in the array of outcomes, no two the same."""
    flat = frame.select(pl.col("at_unit") * times + pl.col("at_time")).to_series()
    if flat.n_unique() < len(flat):
        doubled = frame.filter(flat.is_duplicated()).sort("at_unit", "at_time", "row")
        unit, time = doubled.select(columns.unit, columns.time).row(0)
        _refuse(doubled, f"give a unit and time more than once, the first {unit!r} at {time!r}", columns.time)
    return flat.to_numpy()


def _numbers(frame: pl.DataFrame, name: str, decimal: str) -> pl.Series:
    """The column's numbers, null where absent."""
    text = pl.col(name)
    if decimal == ",":
        # A point would be a thousand's mark here: refused like all that is no number.
        text = pl.when(text.str.contains(r"^[^.]*$")).then(text.str.replace(",", "."))
    value = frame.select(text.cast(pl.Float64, strict=False)).to_series()
    faulty = frame.filter(pl.col(name).is_not_null() & ~value.is_finite().fill_null(False))
    if len(faulty):
        came = faulty[name][0]
        hint = f"; with decimal commas give --decimal {other}" if (other := "," if "," in came else "") else ""
        _refuse(faulty, f"have no finite number in {name}, the first {came!r}{hint}", name)
    return value


def _constant(frame: pl.DataFrame, name: str, key: str, shown: str) -> pl.DataFrame:
    """The column's one value for each unit or time, in their order."""
    found = frame.group_by(key).agg(
        pl.col(shown).first().alias("shown"), pl.col(name).drop_nulls().unique().alias("all"), pl.col("row").first()
    )
    faulty = found.filter(pl.col("all").list.len() != 1).sort("row")
    if len(faulty):
        one = faulty.row(0, named=True)
        came = ", ".join(map(repr, sorted(one["all"])[:_SHOWN])) or "nothing"
        raise InvalidValueError(f"{name} must be one value for each {shown}; {one['shown']!r} has {came}", where=name)
    return found.sort(key).select("row", pl.col("all").list.first().alias(name))


def _facts(frame: pl.DataFrame, names: Sequence[str], key: str, shown: str, decimal: str) -> Floats:
    count = frame[key].n_unique()
    columns = [_numbers(_constant(frame, name, key, shown), name, decimal).to_numpy() for name in names]
    return np.column_stack([np.empty((count, 0)), *columns])


def _given(frame: pl.DataFrame, columns: Columns, shape: tuple[int, ...], flat: Indices, decimal: str) -> Flags | None:
    if columns.given is None:
        return None
    had = _numbers(frame, columns.given, decimal)
    _refuse(
        frame.filter(had.is_in((0.0, 1.0)).not_() | had.is_null()), f"have neither 0 nor 1 in {columns.given}", "given"
    )
    given = np.zeros(shape, dtype=bool)
    given.reshape(-1)[flat] = had.to_numpy() == 1
    return given


def _since(given: Flags, clock: Clock) -> Floats:
    """The first time at which each unit has the change, infinite where it never has."""
    return np.where(given.any(axis=1), clock.times[given.argmax(axis=1)], np.inf)


def _first(
    frame: pl.DataFrame, columns: Columns, names: list[str], clock: Clock, treated: Sequence[str], start: str | None
) -> Floats:
    """The time from which each unit had the change, infinite where it never did."""
    chosen = [unit for text in treated for unit in ([text] if text in names else map(str.strip, text.split(",")))]
    for unit in chosen:
        if unit not in names:
            raise UnknownNameError("unit", unit, nearest(unit, names), where="--treated")
    first = np.full(len(names), np.inf)
    if columns.first is None:
        if not chosen or start is None:
            raise InvalidValueError("say who had the change and since when: --treated and --from, or --first-treated")
        first[[names.index(unit) for unit in chosen]] = clock.place(start, "--from")
        return first
    told = frame.select("row", "at_unit", columns.unit, pl.col(columns.first).fill_null(_NEVER[0]))
    told = _constant(told, columns.first, "at_unit", columns.unit)
    starts = told[columns.first].to_list()
    first = np.array([np.inf if one in _NEVER else clock.place(one, columns.first, beyond=True) for one in starts])
    had = {unit for unit, since in zip(names, first, strict=True) if np.isfinite(since)}
    if chosen and set(chosen) != had:
        unlike = sorted(set(chosen) ^ had)[:_SHOWN]
        raise InvalidValueError(f"--treated and {columns.first} differ on {', '.join(unlike)}", where="--treated")
    if start is not None and had and clock.place(start, "--from") != first.min():
        raise InvalidValueError(f"--from {start} is not the first time in {columns.first}", where="--from")
    return first
