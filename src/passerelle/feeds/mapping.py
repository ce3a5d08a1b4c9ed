"""A mapping: which columns of a table are time, place and values, as a city file's `parameters` say it."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from passerelle.feeds._clock import EPOCHS, RFC3339, is_complete, parse_length
from passerelle.feeds._toml import convert
from passerelle.feeds.feed import Feed
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place, point
from passerelle.model.quantity import Statistic, get_quantity

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Length = Annotated[str, msgspec.Meta(pattern=r"^P(?:[1-9][0-9]{0,3}[YMWD]|T[1-9][0-9]{0,4}[HMS])$")]
_Degrees = Annotated[float, msgspec.Meta(ge=-180, le=180)]
_Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]


class Csv(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="csv"):
    """Delimited text; without `header` its columns are called `1`, `2`, `3` and so on.

    `open_end` says that the publisher's files don't end in a line end, so that the last line is
    read as it is. Otherwise such a file was cut short and is refused whole.
    """

    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    charset: str = "utf-8"
    header: bool = True
    skip_lines: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    open_end: bool = False


class Json(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="json"):
    """One document; `records` is the dotted path to its list of records, empty where it is that list itself."""

    records: str = ""


class JsonLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="json_lines"):
    """A record a line. Where it is `sparse`, not every line has every value's field."""

    sparse: bool = False


class Parquet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag="parquet"):
    """Apache Parquet; a field of a struct is named by its dotted path."""


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a row was so: `columns` joined by a space are read by `format`, in the feed's time zone.

    `format` is a pattern of `strftime`, `epoch_s`, `epoch_ms` or `rfc3339`; only a Parquet column that
    is a time already has none. The time `marks` the start or the end of an interval of `length`
    (ISO 8601), or the instant of a state that then holds for `length`. Where the clock shows an
    hour twice, a place's rows of it are read `in_order`, or the `first` of them alone.
    """

    columns: Annotated[list[_Text], msgspec.Meta(min_length=1, max_length=6)]
    marks: Literal["start", "end", "instant"]
    length: _Length
    format: _Text | None = None
    twice: Literal["first", "in_order"] = "first"


class RowPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place of a row: `prefix` and the text of column `id` make its id; the others are columns too."""

    id: _Text
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    name: _Text | None = None
    longitude: _Text | None = None
    latitude: _Text | None = None


class KnownPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place that the mapping describes itself."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,40}:[A-Za-z0-9._-]{1,100}$")]
    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    name: _Text
    longitude: _Degrees | None = None
    latitude: _Latitude | None = None


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a column holds or, in a long table, what the word `column` in its column of names stands for.

    What came times `factor` is in the quantity's unit, which `factor_source` must show.
    """

    column: _Text
    quantity: _Text
    facet: str = ""
    place: _Text | None = None
    factor: float | None = None
    factor_source: _Text | None = None


class Long(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two columns of a long table: what a row's value is, and the value."""

    names: _Text
    values: _Text


class PassOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows whose `column` is one of `words` hold no observation, `because` of what."""

    column: _Text
    words: Annotated[list[str], msgspec.Meta(min_length=1)]
    because: _Text


class TableMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `parameters` of a feed in the form `mapped`.

    A value that is blank or one of `absent` is the publisher's word for none. `facet` is a column
    whose text, in small letters, is the facet of the row's values. `keep_days` and `keep_bytes` bound
    the bytes kept of replies, as of any feed.
    """

    file: Csv | Json | JsonLines | Parquet
    time: Time
    value: Annotated[list[Value], msgspec.Meta(min_length=1)]
    place: RowPlace | None = None
    places: list[KnownPlace] = []
    long: Long | None = None
    facet: _Text | None = None
    pass_over: list[PassOver] = []
    absent: list[str] = []
    decimal: Literal[".", ","] = "."
    keep_days: int | None = None
    keep_bytes: int | None = None

    def list_columns(self) -> list[str]:
        """The columns the mapping reads, each once."""
        place = self.place
        placed = [place.id, place.name, place.longitude, place.latitude] if place is not None else []
        other = [self.facet, *(rule.column for rule in self.pass_over)]
        return list(dict.fromkeys(name for name in [*self.time.columns, *placed, *other, *self.list_values()] if name))

    def list_values(self) -> list[str]:
        """The columns that say the values and, in a long table, what they are."""
        return [value.column for value in self.value] if self.long is None else [self.long.names, self.long.values]

    def describe_places(self) -> dict[str, Place]:
        """The places the mapping describes itself, by id."""
        return {
            known.id: Place(
                known.id,
                known.kind,
                known.name,
                None if known.longitude is None or known.latitude is None else point(known.longitude, known.latitude),
            )
            for known in self.places
        }


def read_mapping(feed: Feed, parameters: Mapping[str, object] | None = None) -> TableMapping:
    """The mapping in `parameters`, or else the feed's; an error names the key, what came and what is allowed."""
    where = f"feed {feed.id!r}.parameters"
    mapping = convert(feed.parameters if parameters is None else parameters, TableMapping, where)
    for key, problem in (
        *_find_in_file(mapping),
        *_find_in_time(mapping.time, parquet=isinstance(mapping.file, Parquet)),
        *_find_in_places(mapping),
        *_find_in_values(mapping, feed.quantities),
    ):
        raise InvalidValueError(f"{where}.{key}: {problem}", where=f"{where}.{key}")
    return mapping


_Problems = Sequence[tuple[str, str]]


def _find_in_file(mapping: TableMapping) -> _Problems:
    if not isinstance(mapping.file, Csv):
        return []
    try:
        codecs.lookup(mapping.file.charset)
    except LookupError:
        return [("file.charset", f"{mapping.file.charset!r} is no charset Python knows")]
    if mapping.file.separator in '"\r\n' or mapping.file.separator == mapping.decimal:
        return [
            ("file.separator", f"{mapping.file.separator!r} can't separate values beside decimal {mapping.decimal!r}")
        ]
    return []


def _find_in_time(time: Time, *, parquet: bool) -> _Problems:
    if time.format is None:
        return [] if parquet else [("time.format", "is needed; only a Parquet column can be a time already")]
    if time.format not in (*EPOCHS, RFC3339) and not is_complete(time.format):
        allowed = f"{', '.join(EPOCHS)}, {RFC3339} or a pattern with %Y or %y, such as '%Y-%m-%d %H:%M'"
        return [("time.format", f"{time.format!r} says no year, or what can't be read; allowed are {allowed}")]
    return []


def _find_in_places(mapping: TableMapping) -> _Problems:
    problems = []
    place, known = mapping.place, [one.id for one in mapping.places]
    for key, one in [("place", place), *((f"places[{at}]", one) for at, one in enumerate(mapping.places))]:
        if one is not None and (one.longitude is None) != (one.latitude is None):
            problems.append((key, "longitude and latitude are needed together"))
    if len(set(known)) < len(known):
        problems.append(("places", f"an id stands twice in {known}"))
    for at, value in enumerate(mapping.value):
        if value.place is not None and value.place not in known:
            problems.append((f"value[{at}].place", f"{value.place!r} is none of places {known}"))
        if value.place is None and place is None and len(known) != 1:
            problems.append((f"value[{at}]", f"nothing says its place: there is no [place], and places are {known}"))
    return problems


def _find_in_values(mapping: TableMapping, declared: Sequence[str]) -> _Problems:
    problems = []
    for at, value in enumerate(mapping.value):
        key = f"value[{at}]"
        if value.quantity not in declared:
            problems.append(
                (f"{key}.quantity", f"{value.quantity!r} is none of the feed's quantities {list(declared)}")
            )
        elif unlike := _find_unlike(mapping.time, value.quantity):
            problems.append(unlike)
        if value.facet and mapping.facet is not None:
            problems.append((f"{key}.facet", f"{value.facet!r} stands beside the column of facets {mapping.facet!r}"))
        if (value.factor is None) != (value.factor_source is None):
            problems.append((key, "factor and factor_source are needed together"))
    columns = Counter(value.column for value in mapping.value)
    meanings = Counter((value.quantity, value.facet, value.place) for value in mapping.value)
    for what, counted in (("column", columns), ("quantity, facet and place", meanings)):
        twice = [one for one, count in counted.items() if count > 1]
        if twice:
            problems.append(("value", f"the same {what} stands twice: {twice[0]!r}"))
    return problems


def _find_unlike(time: Time, name: str) -> tuple[str, str] | None:
    quantity = get_quantity(name)
    if (quantity.statistic is Statistic.STATE) != (time.marks == "instant"):
        return "time.marks", f"{time.marks!r} doesn't fit {name}, which is a {quantity.statistic.value}"
    if quantity.interval and parse_length(quantity.interval) != parse_length(time.length):
        return "time.length", f"{time.length!r} doesn't fit {name}, of which each value stands for {quantity.interval}"
    return None
