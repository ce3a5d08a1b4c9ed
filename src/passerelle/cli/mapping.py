"""The mapping of a sample, from what was guessed and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import click

from passerelle.cli.answers import Answers
from passerelle.feeds._rows import slug
from passerelle.feeds.guess import Guess
from passerelle.feeds.mapping import KnownPlace, Long, PassOver, RowPlace, TableMapping, Time, Value
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.quantity import Quantity, Statistic, find_quantities, get_quantity

_NONE = "none"
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class _Places:
    row: RowPlace | None
    known: list[KnownPlace]
    by_column: Mapping[str, str]


def ask_mapping(guessed: Guess, answers: Answers) -> TableMapping:
    """The mapping of the sample, each part guessed, asked or answered by an option."""
    columns = list(answers.find("time")) or list(guessed.time)
    if not columns:
        columns = [answers.prompt("The column of the time", None, "--time")] if not answers.unattended else []
    _require(columns, guessed, "--time")
    if not columns:
        raise InvalidValueError("no column is a time by its look; give --time", where="--time")
    places = _ask_places(guessed, answers)
    facet = answers.find("facet")
    _require([facet] if facet else [], guessed, "--facet")
    long = guessed.long if facet is None and not places.by_column else None
    values = _ask_values(guessed, answers, places, long)
    left = sorted(set(guessed.cells[long[0]].unique()) - {value.column for value in values}) if long else []
    return TableMapping(
        file=guessed.file,
        time=_ask_time(columns, guessed, answers, [get_quantity(value.quantity) for value in values]),
        value=values,
        place=places.row,
        places=places.known,
        long=Long(*long) if long else None,
        facet=facet,
        pass_over=[PassOver(long[0], left, "left out when the entry was written")] if long and left else [],
        absent=_ask_absent(guessed, answers),
        decimal=cast("Literal['.', ',']", guessed.decimal),
    )


def _ask_time(columns: list[str], guessed: Guess, answers: Answers, quantities: Sequence[Quantity]) -> Time:
    formats = guessed.formats if tuple(columns) == guessed.time else ()
    if formats == (None,):
        pattern = None
    else:
        one = formats[0] if len(formats) == 1 else None
        among = [str(each) for each in formats] if len(formats) > 1 and answers.find("format") is None else []
        pattern = answers.ask("format", f"How {' '.join(columns)} is written, such as %d/%m/%Y %H:%M", one, among)
    stated = next((quantity.interval for quantity in quantities if quantity.interval), None)
    length = answers.ask("length", "The length of an interval in ISO 8601", stated or guessed.length)
    is_state = all(quantity.statistic is Statistic.STATE for quantity in quantities)
    # A day, month or year is named by its own first moment; an hour may be named by its end.
    usual = "instant" if is_state else "start" if "T" not in length else None
    marks = answers.ask("marks", "What a time marks", usual, ["start", "end", "instant"])
    return Time(
        columns=columns,
        marks=cast("Literal['start', 'end', 'instant']", marks),
        length=length,
        format=pattern,
        twice=cast("Literal['first', 'in_order']", answers.find("twice") or "first"),
    )


def _ask_places(guessed: Guess, answers: Answers) -> _Places:
    wide = guessed.place is None and answers.find("place") in (None, _NONE) and len(guessed.numbers) > 1
    if answers.find("columns_are_places") or (
        wide
        and answers.find("one_place") is None
        and answers.confirm("columns_are_places", f"Is each of {', '.join(guessed.numbers[:8])} a place")
    ):
        kind = _ask_kind(answers, "place")
        known = [KnownPlace(f"{_prefix(kind)}:{slug(column)}", kind, column) for column in guessed.numbers]
        return _Places(None, known, {column: one.id for column, one in zip(guessed.numbers, known, strict=True)})
    column = answers.ask("place", "The column that names a row's place, or none", guessed.place or _NONE)
    if column == _NONE:
        name = answers.ask("one_place", "The name of the only place")
        kind = _ask_kind(answers, "place")
        position = answers.ask("position", "Its longitude,latitude, nothing where unknown", "")
        longitude, latitude = _read_position(position) if position else (None, None)
        return _Places(None, [KnownPlace(f"{_prefix(kind)}:{slug(name)}", kind, name, longitude, latitude)], {})
    kind = _ask_kind(answers, column)
    found = guessed.name if column == guessed.place else None
    name = answers.ask("place_name", "The column with the places' names, or none", found or _NONE)
    _require([one for one in (column, name) if one != _NONE], guessed, "--place")
    both = guessed.longitude is not None and guessed.latitude is not None
    row = RowPlace(
        id=column,
        prefix=_prefix(kind),
        kind=kind,
        name=None if name == _NONE else name,
        longitude=guessed.longitude if both else None,
        latitude=guessed.latitude if both else None,
    )
    return _Places(row, [], {})


def _ask_kind(answers: Answers, column: str) -> str:
    guess = slug(column.rpartition(".")[2]).replace("-", "_").removesuffix("_id").removesuffix("_name")
    return slug(answers.ask("place_kind", "What its places are, such as station", guess)).replace("-", "_")


def _prefix(kind: str) -> str:
    return kind.replace("_", "-")


def _read_position(text: str) -> tuple[float, float]:
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidValueError(f"--position is {text!r}; longitude,latitude is allowed", where="--position") from error
    return longitude, latitude


def _ask_values(guessed: Guess, answers: Answers, places: _Places, long: tuple[str, str] | None) -> list[Value]:
    """What each column of numbers is, or each word of a long table's names; left out where nobody says."""
    names = guessed.cells[long[0]].unique().sort().to_list() if long else list(guessed.numbers)
    given = dict(_split(one, "--value") for one in answers.find("value"))
    factors = dict(_split(one, "--factor") for one in answers.find("factor"))
    if places.by_column:
        every = given.get("*") or (None if given or answers.unattended else _ask_quantity("each column", [], answers))
        given = {column: every for column in names if every} if every else given
    elif not given and not answers.unattended:
        columns = {name: guessed.cells[name if long is None else long[1]].head(_EXAMPLES).to_list() for name in names}
        asked = {name: _ask_quantity(name, examples, answers) for name, examples in columns.items()}
        given = {name: said for name, said in asked.items() if said}
    if not given:
        raise InvalidValueError(
            f"nothing says what is measured; give --value COLUMN=QUANTITY for some of {', '.join(names[:20])}",
            where="--value",
        )
    unknown = [name for name in [*given, *factors] if name not in names]
    if unknown:
        raise UnknownNameError("column of numbers", unknown[0], names, where="--value")
    return [_make_value(name, said, factors.get(name), places, answers) for name, said in given.items()]


def _make_value(name: str, said: str, factor: str | None, places: _Places, answers: Answers) -> Value:
    quantity, _, facet = said.partition("/")
    known = get_quantity(quantity)
    if factor is None and not answers.unattended and not answers.find("value"):
        factor = answers.prompt(f"{name} as {known.unit}: FACTOR:SOURCE, nothing where it is that", "", "--factor")
    number, _, source = (factor or "").partition(":")
    try:
        times = float(number) if number else None
    except ValueError as error:
        raise InvalidValueError(f"--factor {name}={factor}: NUMBER:SOURCE is allowed", where="--factor") from error
    return Value(name, quantity, facet, places.by_column.get(name), times, source.strip() or None)


def _ask_quantity(name: str, examples: Sequence[object], answers: Answers) -> str | None:
    """QUANTITY or QUANTITY/FACET of those that exist, None to leave the column out; none is invented."""
    shown = f" ({', '.join(str(one) for one in examples)})" if examples else ""
    while said := answers.prompt(f"What is {name}{shown}: a quantity, words to look for, or nothing", "", "--value"):
        found = find_quantities(said.partition("/")[0])
        if any(one.name == said.partition("/")[0] for one in found):
            return said
        for one in found[:20]:
            click.echo(f"  {one.name}  {one.unit}, {one.statistic.value}  {one.meaning}", err=True)
        if not found:
            click.echo("  No quantity has these words. One is added with its source, see docs/quantities.md.", err=True)
    return None


def _ask_absent(guessed: Guess, answers: Answers) -> list[str]:
    given = list(answers.find("absent"))
    if answers.unattended or given:
        return given
    return [
        word
        for word, count in guessed.words.items()
        if answers.confirm("absent", f"{word!r} stands {count} times among numbers: is it a word for no value")
    ]


def _split(text: str, option: str) -> tuple[str, str]:
    name, equals, said = text.rpartition("=") if option == "--value" else text.partition("=")
    if not equals or not name:
        raise InvalidValueError(f"{option} is {text!r}; COLUMN=... is allowed", where=option)
    return name, said


def _require(columns: Sequence[str], guessed: Guess, option: str) -> None:
    for column in columns:
        if column not in guessed.cells.columns:
            raise UnknownNameError("column", column, guessed.cells.columns, where=option)
