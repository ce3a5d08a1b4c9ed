"""What only the caller of an analysis knows: facts about places and records that no array of outcomes shows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import pairwise

from passerelle.lab.panel import Flags, Floats
from passerelle.model.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Definition:
    """What an outcome is: the quantity, its unit, the statistic of an interval (mean, maximum ...), its length."""

    quantity: str
    unit: str
    statistic: str
    interval: str

    def differences(self, other: Definition) -> tuple[str, ...]:
        """Names of what differs.

        >>> daily = Definition("no2", "ug/m3", "mean", "P1D")
        >>> daily.differences(Definition("no2", "ug/m3", "maximum", "P1D"))
        ('statistic',)
        """
        names = (one.name for one in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(frozen=True, slots=True, eq=False)
class OtherChange:
    """Another registered change: which units (rows) it is in force at, from `start` until `end` (infinite: still)."""

    name: str
    units: Flags
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class SensorMark:
    """A record, or a mark of trust, that the sensor of a unit (row) was changed, moved or stepped at a time."""

    unit: int
    at: float


@dataclass(frozen=True, slots=True)
class Picked:
    """The treated units were picked by their outcome at times `[start, end)`: selection that tends to undo itself."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Trusted:
    """How much of what would be compared is marked red, the most that may be, and how many times and units it cost."""

    share: float
    most: float
    times: int
    units: int


@dataclass(frozen=True, slots=True)
class Looks:
    """When the outcome was to be looked at, as shares of the times planned, and at which share each look was taken."""

    planned: tuple[float, ...]
    taken: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("planned", "taken"):
            looks = getattr(self, name)
            if not looks or looks[0] <= 0 or looks[-1] > 1 or any(a >= b for a, b in pairwise(looks)):
                raise InvalidValueError(f"{name} looks are {looks}; shares in (0, 1] must ascend", where=name)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What is known beside the panel; None is for what nobody looked up, and leaves its check unable to refute.

    `distances` are those of each unit to the nearest treated place, and within `near` of one a comparison may be
    touched. `definitions` are those of the treated outcome and of the comparison's. `other_p` are the p values of the
    study's other outcomes.
    """

    distances: Floats | None = None
    near: float | None = None
    others: tuple[OtherChange, ...] | None = None
    definitions: tuple[Definition, Definition] | None = None
    sensors: tuple[SensorMark, ...] | None = None
    picked: Picked | None = None
    trusted: Trusted | None = None
    looks: Looks | None = None
    other_p: tuple[float, ...] = field(default=())
