"""`/api/v1/quantities`: the rows of `quantities.csv`."""

from __future__ import annotations

import math

import msgspec
from litestar import get
from litestar.params import FromPath

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.parameters import Cursor, Limit, SectorName, check_sector
from passerelle.model.quantity import Quantity, get_quantity, list_quantities


class QuantityOut(msgspec.Struct, frozen=True):
    """A quantity: `unit` is UCUM, `interval` ISO 8601 (empty where each observation says it); open bounds are null."""

    name: str
    sector: str
    unit: str
    statistic: str
    interval: str
    kind: str
    lower: float | None
    upper: float | None
    direction: str
    title: dict[str, str]
    meaning: str
    source: str


def _show(quantity: Quantity) -> QuantityOut:
    return QuantityOut(
        name=quantity.name,
        sector=quantity.sector,
        unit=quantity.unit,
        statistic=quantity.statistic,
        interval=quantity.interval,
        kind=quantity.kind,
        lower=quantity.lower if math.isfinite(quantity.lower) else None,
        upper=quantity.upper if math.isfinite(quantity.upper) else None,
        direction=quantity.direction,
        title={"en": quantity.title_en, "fr": quantity.title_fr},
        meaning=quantity.meaning,
        source=quantity.source,
    )


@get("/quantities", tags=["quantities"], sync_to_thread=False)
def list_all(sector: SectorName = None, limit: Limit = 1000, cursor: Cursor = None) -> Page[QuantityOut]:
    """What is measured, in the table's order."""
    check_sector(sector)
    rows = [row for row in list_quantities() if sector in (None, row.sector)]
    begin = read_cursor(cursor, int) or 0
    found, following = cut_page(range(begin, min(begin + limit + 1, len(rows))), limit, lambda at: at + 1)
    return Page([_show(rows[at]) for at in found], following)


@get("/quantities/{name:str}", tags=["quantities"], sync_to_thread=False)
def read_one(name: FromPath[str]) -> QuantityOut:
    """One quantity."""
    return _show(get_quantity(name))
