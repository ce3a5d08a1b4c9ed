"""A change: anything that was done in the city, with where, when, what and by whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import format_time
from passerelle.model.quantity import Sector

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Line = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people read, in both languages."""

    en: Line
    fr: Line

    @property
    def both(self) -> dict[str, str]:
        """The two as the API says them."""
        return {"en": self.en, "fr": self.fr}


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source for the change's dates and terms, titled in the source's own language."""

    title: Line
    url: Annotated[str, msgspec.Meta(pattern="^https?://")]


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the change was made: a name, a GeoJSON geometry where there is one, places of the registry."""

    name: Text
    geometry: dict[str, Any] | None = None
    places: tuple[str, ...] = ()


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the change cost, and who says so; `currency` is an ISO 4217 code."""

    amount: Annotated[float, msgspec.Meta(ge=0)]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    source: Link


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done; `end` is None while it lasts. At least one link says so.

    Until the local day `ramp`, itself included, it was being phased in: neither the time before nor the one after.
    """

    id: Word
    sector: Sector
    title: Text
    what: Text
    where: Where
    start: Moment
    by: Line
    link: Annotated[tuple[Link, ...], msgspec.Meta(min_length=1)]
    end: Moment | None = None
    ramp: date | None = None
    cost: Cost | None = None

    def __post_init__(self) -> None:
        if self.ramp is not None and self.ramp < self.start.date():
            raise InvalidValueError(f"change {self.id!r} ramps until {self.ramp}, before it starts", where="ramp")
        if self.end is not None and self.end <= self.start:
            raise InvalidValueError(f"change {self.id!r} ends {self.end} before it starts {self.start}", where="end")

    @property
    def document(self) -> dict[str, Any]:
        """The change as the registry keeps it and the API shows it."""
        # A key that isn't declared isn't said: changes kept before there was such a key stay as they were.
        told = {"ramp": self.ramp and self.ramp.isoformat(), "cost": self.cost and msgspec.to_builtins(self.cost)}
        return {
            "id": self.id,
            "sector": self.sector.value,
            "title": self.title.both,
            "what": self.what.both,
            "where": msgspec.json.decode(msgspec.json.encode(self.where)),
            "start": format_time(self.start),
            "end": None if self.end is None else format_time(self.end),
            "by": self.by,
            "links": [{"title": link.title, "url": link.url} for link in self.link],
            **{name: value for name, value in told.items() if value is not None},
        }
