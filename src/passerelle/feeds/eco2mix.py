"""RTE éCO2mix, a region's file: load, generation by source and exchanges, tab-separated Latin-1.

A value is the mean power over the half-hour its local time begins (a quarter-hour in a file of
"Données temps réel"). `-` means the source doesn't exist there, blank that the quarter has no value.

Every local day of these files has 48 half-hours, so the hours of clock change can't all be right:

- Spring: 02:00 and 02:30 don't exist. The publisher fills them with copies of 03:00 and 01:30 (on
  2017-03-26: 6615 and 6977 MW). They are refused, which loses nothing.
- Autumn: 02:00 and 02:30 happen twice and stand once. They are read as the first occurrence; the
  second is a gap and stays one.

Data lines of some files end with a tab and the header doesn't, so a header with one column more would
shift every value unseen: a line whose last value is blank is refused.

The publisher replaces real-time values by consolidated, then definitive ones. Which of the three a
file holds is its "Nature" and part of its name; a later file's values are later versions of the
same observations, never other series.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_instant, read_numbers, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place

_AREA, _NATURE, _DATE, _TIME = "Périmètre", "Nature", "Date", "Heures"

_VALUES = {
    "Consommation": ("electricity_demand", ""),
    "Thermique": ("electricity_generation", "thermal"),
    "Nucléaire": ("electricity_generation", "nuclear"),
    "Eolien": ("electricity_generation", "wind"),
    "Solaire": ("electricity_generation", "solar"),
    "Hydraulique": ("electricity_generation", "hydro"),
    "Pompage": ("electricity_generation", "pumped_storage"),
    "Bioénergies": ("electricity_generation", "bioenergy"),
    "Ech. physiques": ("electricity_net_import", ""),
}

_MINUTES = {"Données définitives": 30, "Données consolidées": 30, "Données temps réel": 15}
_LAST = "Ech. physiques"
_ABSENT = ["", "-"]
_DISCLAIMER = '"?RTE ne pourra'


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Up to nine powers per area and half-hour, as far as the publisher has them."""
    text = read_text(reply, "utf-8", "latin-1")
    lines, malformed = read_lines(text, [_AREA, _NATURE, _DATE, _TIME, *_VALUES], separator="\t", ignore=_DISCLAIMER)
    natural, unnatural = refuse_where(
        lines.with_columns(minutes=pl.col(_NATURE).replace_strict(_MINUTES, default=None, return_dtype=pl.Int64)),
        pl.col("minutes").is_null() | ~pl.col(_AREA).str.contains(r"^\pL[\pL' -]{0,60}$"),
        pl.format("area '{}' of nature '{}'", pl.col(_AREA).str.slice(0, 40), pl.col(_NATURE).str.slice(0, 40)),
    )
    said = natural.filter(~pl.all_horizontal(pl.col(*_VALUES).is_in(_ABSENT)))
    straight, slipped = refuse_where(
        said,
        pl.col(_LAST) == "",
        pl.lit(f"{_LAST} is blank where other values aren't: the columns may have slipped"),
    )
    clock = _clock()
    clocked, unclocked = refuse_where(
        straight.with_columns(clock=clock),
        clock.dt.minute() % pl.col("minutes") != 0,
        pl.format("'{} {}' is not the beginning of {} minutes", _DATE, _TIME, "minutes"),
    )
    timed, skipped = refuse_where(
        clocked.with_columns(start=local_instant(pl.col("clock"), feed.time_zone)),
        pl.col("start").is_null(),
        pl.format("{} {} doesn't exist: the clock skips it", _DATE, _TIME),
    )
    placed, unread = read_numbers(timed, _VALUES, absent=_ABSENT)
    areas = {area: f"eco2mix:{slug(area)}" for area in placed[_AREA].unique().sort()}
    placed = placed.with_columns(
        place=pl.col(_AREA).replace_strict(areas, return_dtype=pl.String),
        end=pl.col("start") + pl.duration(minutes="minutes"),
    )
    places = [Place(place, "region", area) for area, place in areas.items()]
    return assemble(places, placed, [malformed, unnatural, slipped, unread, unclocked, skipped])


def _clock() -> pl.Expr:
    """The wall-clock time; one recorded file writes dd/mm/yy where the others write yyyy-mm-dd."""
    written = pl.concat_str(_DATE, _TIME, separator=" ")
    return pl.coalesce(
        written.str.to_datetime("%Y-%m-%d %H:%M", strict=False),
        written.str.to_datetime("%d/%m/%y %H:%M", strict=False),
    )


FORM = Form(
    name="eco2mix",
    title="RTE éCO2mix, regional file (tab-separated)",
    standard="RTE éCO2mix, fichiers régionaux",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in _VALUES.values()})),
    request=ask_address,
    parse=parse,
)
