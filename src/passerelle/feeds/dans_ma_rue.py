"""Dans Ma Rue: what people of Paris report in its streets, counted per district, type and local day (CSV).

Rows hold addresses, points and numbers by which a report can be followed, so `scrub` runs before a
byte is kept: it leaves the day, the type and the district. Reports are counted in the feed, as
docs/decisions/counting-requests-in-the-feed.md explains. The export says when a report was made and
not when it was dealt with, so that only openings are counted.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._cases import count_per_day, keep_columns
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_instant, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError
from passerelle.model.place import Place

_DAY, _TYPE, _DISTRICT = "DATEDECL", "TYPE", "ARRONDISSEMENT"
_PATTERNS = {
    _DAY: "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    _TYPE: r"\pL[\pL ,'/&()-]{0,100}",
    _DISTRICT: "[0-9]{1,2}",
}
"""What may stand in a kept column: were a harmed line's columns to slip, an address would fit none."""

_SCHEME = {name: pl.col(name).str.strip_chars().str.extract(f"^({fits})$") for name, fits in _PATTERNS.items()}
_SEPARATOR = ";"
_CODE = "751"
"""INSEE's code of a district is this and its number in two digits (code officiel géographique)."""


def scrub(body: bytes) -> bytes:
    """The reply with only its days, types and districts; a line that can't be read becomes one of empty values."""
    return keep_columns(body, [_SCHEME], separator=_SEPARATOR)


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Reports made, per district, type and local day."""
    areas = feed.parameters.get("areas")
    if not areas:
        raise InvalidValueError(f"feed {feed.id!r}: areas are needed to place reports in", where="areas")
    lines, malformed = read_lines(read_text(reply, "utf-8"), list(_SCHEME), separator=_SEPARATOR)
    day = pl.col(_DAY).str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    dated, undated = refuse_where(
        lines.with_columns(
            opened=local_instant(day, feed.time_zone),
            facet=pl.col(_TYPE),
            code=pl.format(_CODE + "{}", pl.col(_DISTRICT).str.zfill(2)),
        ),
        pl.col("opened").is_null() | (pl.col(_TYPE) == ""),
        pl.format("'{}' of type '{}': a day and a type are needed", _DAY, _TYPE),
    )
    placed, unplaced = refuse_where(
        dated.with_columns(place=pl.format("arrondissement:{}", "code")),
        ~pl.col("code").is_in(list(areas)),
        pl.format("'{}' is not the number of a district", _DISTRICT),
    )
    places = [
        Place(f"arrondissement:{code}", "arrondissement", areas[code].name, areas[code].geometry)
        for code in placed["code"].unique().sort()
    ]
    counts = count_per_day(placed, "opened", "reports_opened", pl.len(), feed.time_zone)
    return assemble(places, counts, [malformed, undated, unplaced])


FORM = Form(
    name="dans_ma_rue",
    title="Dans Ma Rue reports, counted per day (CSV)",
    standard="Ville de Paris, dans-ma-rue",
    grade=Grade.PROVEN,
    quantities=("reports_opened",),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
