"""The design `episodes`: spells of days that had the change against the same weekdays around each of them."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from passerelle.model.errors import InvalidValueError
from passerelle.studies.declared.change import Line, Text
from passerelle.studies.declared.terms import Days, PanelStudy, require_percent


class Spells(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days that had the change, in spells; each spell is one unit, however many places were counted."""

    label: Text
    episodes: Annotated[tuple[Days, ...], msgspec.Meta(min_length=2)]

    def __post_init__(self) -> None:
        for first, last in self.episodes:
            if last < first:
                raise InvalidValueError(f"the episode {first} to {last} must ascend", where="study.treated.episodes")
        if any(earlier[1] >= later[0] for earlier, later in pairwise(self.episodes)):
            raise InvalidValueError("episodes must ascend without meeting", where="study.treated.episodes")


class Around(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The days compared with: of the same weekdays, at most `days` before and after an episode, in none of them.

    Days nearer than `apart` to any episode are left out: people move trips there.
    """

    label: Text
    phrase: Text
    why: Text
    days: Annotated[int, msgspec.Meta(ge=1, le=366)]
    apart: Annotated[int, msgspec.Meta(ge=0, le=30)] = 0


class MovedSpells(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Days without the change, into which the spells are moved by whole weeks; `note` says what else lies there."""

    span: Days
    note: Text | None = None


class EpisodesStudy(PanelStudy, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The outcome of all places together on the days of episodes, against the days around.

    `places` are those counted, all that have every value if none is named.
    """

    design: Literal["episodes"]
    method: Literal["episodes"]
    unit: Literal["episode"]
    treated: Spells
    comparison: Around
    placebo: MovedSpells | None = None
    places: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        require_percent(self.scale, self.smallest_effect)

    @property
    def first_day(self) -> date:
        """The first day of the first episode."""
        return self.treated.episodes[0][0]
