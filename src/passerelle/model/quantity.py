"""What is measured: the rows of `quantities.csv`, read by code, documentation and API alike."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from passerelle.model.errors import InvalidValueError, UnknownNameError


class Sector(StrEnum):
    """The parts of a city that Passerelle joins."""

    MOBILITY = "mobility"
    ENERGY = "energy"
    WATER = "water"
    WASTE = "waste"
    AIR = "air"
    CITIZENS = "citizens"


class Statistic(StrEnum):
    """How a value stands for its interval; two quantities of unlike statistic are never compared."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"
    MIN = "min"
    COUNT = "count"
    STATE = "state"
    MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the table of quantities.

    `unit` is a UCUM code, `interval` the ISO 8601 duration each value stands for (empty where the
    observation alone says it), `direction` what a positive sign means, `lower` and `upper` the
    closed range outside which a value is refused.
    """

    name: str
    sector: Sector
    unit: str
    statistic: Statistic
    interval: str
    kind: str
    lower: float
    upper: float
    direction: str
    title_en: str
    title_fr: str
    meaning: str
    source: str

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise InvalidValueError(
                f"quantity {self.name}: lower {self.lower} exceeds upper {self.upper}", where="lower"
            )
        for column in ("name", "unit", "kind", "title_en", "title_fr", "meaning", "source"):
            if not getattr(self, column):
                raise InvalidValueError(f"quantity {self.name!r}: {column} is empty", where=column)

    def admits(self, value: float) -> bool:
        """Whether `value` is a finite number within the closed bounds."""
        return math.isfinite(value) and self.lower <= value <= self.upper


@cache
def _table() -> dict[str, Quantity]:
    text = files("passerelle.model").joinpath("quantities.csv").read_text(encoding="utf-8")
    rows = [_read_row(row) for row in csv.DictReader(text.splitlines())]
    table = {row.name: row for row in rows}
    if len(table) != len(rows):
        raise InvalidValueError("quantities.csv names a quantity twice", where="name")
    return table


def _read_row(row: dict[str, str]) -> Quantity:
    return Quantity(
        name=row["name"],
        sector=Sector(row["sector"]),
        unit=row["unit"],
        statistic=Statistic(row["statistic"]),
        interval=row["interval"],
        kind=row["kind"],
        lower=float(row["lower"] or "-inf"),
        upper=float(row["upper"] or "inf"),
        direction=row["direction"],
        title_en=row["title_en"],
        title_fr=row["title_fr"],
        meaning=row["meaning"],
        source=row["source"],
    )


def list_quantities() -> list[Quantity]:
    """Every quantity, in the table's order."""
    return list(_table().values())


def get_quantity(name: str) -> Quantity:
    """The quantity called `name`; `UnknownNameError` where the table has none.

    >>> get_quantity("no2_daily_mean").statistic.value, get_quantity("no2_daily_max").statistic.value
    ('mean', 'max')
    """
    try:
        return _table()[name]
    except KeyError:
        raise UnknownNameError("quantity", name, list(_table()), where="quantity") from None


def find_quantities(words: str) -> list[Quantity]:
    """The quantities in whose name, titles, unit or meaning each of the words stands.

    >>> [quantity.name for quantity in find_quantities("no2 maximum")]
    ['no2_daily_max']
    """
    wanted = words.lower().split()
    return [
        quantity
        for quantity in list_quantities()
        if all(
            word
            in f"{quantity.name} {quantity.title_en} {quantity.title_fr} {quantity.unit} {quantity.meaning}".lower()
            for word in wanted
        )
    ]
