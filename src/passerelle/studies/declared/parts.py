"""The design `parts`: two groups of hours or weekdays of the same series, one of which had the change."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity
from passerelle.studies.declared.change import Line, Text, Word
from passerelle.studies.declared.terms import Days, Exclusion, Hour, Stop, Weekday, Windows, excludes, require_hours


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
        require_hours(self.hours)


class Comparison(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The group that the change left alone; `phrase` names it in the sentence, `why` argues for it."""

    phrase: Text
    why: Text


class Placebo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the windows are moved to dates without the change, within the days of `span`.

    `consecutive`: as many usable units before and after as the study has, one unit later each time. `calendar`: both
    windows a week earlier each time, gap and season kept. `note` says what else lies in the span.
    """

    scheme: Literal["consecutive", "calendar"]
    span: Days
    note: Text | None = None


class PartsStudy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    stop: Stop | None = None
    publish_on: date | None = None

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
        return excludes(self.exclude, day)
