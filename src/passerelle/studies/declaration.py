"""A study, declared before it runs: outcome, groups, windows, exclusions, direction wanted and method."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from passerelle.feeds.city import find_city_file
from passerelle.lab.estimators.did_blocks import METHOD
from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError, PasserelleError
from passerelle.model.interval import format_time
from passerelle.model.quantity import get_quantity
from passerelle.studies.canonical import digest
from passerelle.studies.change import Change, Line, Text, Word

Days = tuple[date, date]
"""First and last local day, both included."""

Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
Hour = Annotated[int, msgspec.Meta(ge=0, le=24)]


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted: all series of one quantity of one feed that are complete in
    windows and placebo span.

    `subject` and `after` are what the sentence is made of: a singular noun phrase (masculine in French) and an
    adverbial of time. With `zero_day_is_outage` a local day of zeros alone marks a series as incomplete.
    """

    feed: Word
    quantity: Line
    facet: str
    zero_day_is_outage: bool
    title: Text
    subject: Text
    after: Text

    def __post_init__(self) -> None:
        get_quantity(self.quantity)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which hours `[from, to)` and weekdays (1 = Monday), by local clock, make one group; all hours unless given."""

    label: Text
    weekdays: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)]
    hours: tuple[Hour, Hour] = (0, 24)

    def __post_init__(self) -> None:
        if self.hours[0] >= self.hours[1]:
            raise InvalidValueError(f"hours {self.hours} must ascend", where="hours")


class Comparison(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The group that the change left alone; `phrase` names it in the sentence, `why` argues for it."""

    phrase: Text
    why: Text


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The local days before the change and after it that are compared."""

    before: Days
    after: Days

    def __post_init__(self) -> None:
        if not self.before[0] <= self.before[1] < self.after[0] <= self.after[1]:
            raise InvalidValueError(f"windows {self.before} and {self.after} must ascend", where="windows")


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Local days left out, both ends included, and why."""

    start: date
    end: date
    why: Text


class Placebo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the windows are moved to dates without the change, within the days of `span`.

    `consecutive`: as many usable units before and after as the study has, one unit later each time. `calendar`: both
    windows a week earlier each time, gap and season kept. `note` says what else lies in the span.
    """

    scheme: Literal["consecutive", "calendar"]
    span: Days
    note: Text | None = None


class Study(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declared way to judge a change; `smallest_effect` is in percent, either way."""

    id: Word
    change: Word
    method: Literal["did_blocks"]
    unit: Literal["day", "week"]
    wanted: Wanted
    smallest_effect: Annotated[float, msgspec.Meta(gt=0, lt=100)]
    level: Annotated[float, msgspec.Meta(gt=0.5, lt=1)]
    outcome: Outcome
    treated: Part
    comparison: Comparison
    windows: Windows
    placebo: Placebo
    adjust_for: tuple[Literal["weekday"], ...] = ()
    exclude: tuple[Exclusion, ...] = ()

    def __post_init__(self) -> None:
        shared = set(self.treated.weekdays) & set(self.comparison.weekdays)
        first, last = (pick(self.treated.hours[at], self.comparison.hours[at]) for at, pick in enumerate((max, min)))
        if shared and first < last:
            raise InvalidValueError(
                f"treated and comparison share the hours {first} to {last} of weekdays {sorted(shared)}",
                where="study.comparison",
            )

    def excludes(self, day: date) -> bool:
        """Whether `day` was declared left out."""
        return any(one.start <= day <= one.end for one in self.exclude)


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and the study of it, as one file of `cities/<city>/` declares them."""

    change: Change
    study: Study

    def __post_init__(self) -> None:
        if self.study.change != self.change.id:
            raise InvalidValueError(
                f"study {self.study.id!r} is of change {self.study.change!r}, its file's is {self.change.id!r}",
                where="study.change",
            )

    @property
    def document(self) -> dict[str, Any]:
        """The study as declared, in JSON types: what its hash is over."""
        # By way of JSON, so that it equals what comes back from the registry or a file.
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.study))
        return found

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of `document`."""
        return digest(self.document)


def read_study(document: dict[str, Any]) -> Study:
    """The study that a declared document holds."""
    try:
        return msgspec.convert(document, Study)
    except msgspec.ValidationError as error:
        raise InvalidValueError(f"the declared study can't be read: {error}", where="declaration") from error


def read_declaration(path: Path) -> Declaration:
    """The change and study of a TOML file; an error names the file, the key and what was allowed."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Declaration)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, PasserelleError) as error:
        raise InvalidValueError(f"{path.name}: {error}", where=path.name) from error


def read_declarations(city_id: str) -> list[Declaration]:
    """Every declaration of the city, ordered by file name; none where the city has no folder of them."""
    folder = find_city_file(city_id).with_suffix("")
    return [read_declaration(path) for path in sorted(folder.glob("*.toml"))]


def seal(declaration: Declaration, declared_at: datetime) -> dict[str, Any]:
    """The study's document for the registry: what was declared, its hash, when, and whether the data were there.

    A study declared once its window after the change had begun is retrospective: whoever declared it could have
    seen the outcome.
    """
    return {
        "id": declaration.study.id,
        "change": declaration.change.id,
        "method": METHOD,
        "declared_at": format_time(declared_at.replace(microsecond=0)),
        "retrospective": declared_at.date() >= declaration.study.windows.after[0],
        "hash": declaration.hash,
        "declaration": declaration.document,
    }
