"""Wyndham City Council's smart litter bins: each bin's fill level once a day, and where the bins stand (CSV).

Two files: readings, and the list of bins. A reading holds at an unknown moment of its local day. The
level is 0 to 10 in steps of two, and `fullnessThreshold` the level from which a bin asks to be emptied.

Bin-days that the publisher repeats come out as often as they stand in the file: the archive keeps
the first and each repetition, or contradiction, with the row it repeats. Days without a row are gaps.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import NOTHING, assemble, local_days, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place, point

_BIN, _DAY = "Bin ID", "timestamp"
_VALUES = {"Fullness": ("bin_fill", ""), "fullnessThreshold": ("bin_fill_threshold", "")}
_SERIAL, _NAME, _STREAM = "serial_number", "description", "stream"
_LONGITUDE, _LATITUDE = "lon", "lat"
_LIST = [_SERIAL, _NAME, _STREAM, _LONGITUDE, _LATITUDE]
_STREAMS = {"general": "general_waste_bin", "recycling": "recycling_bin"}
_NUMBER = "^[0-9]{1,20}$"
_DEGREES = r"^-?[0-9]{1,3}(?:\.[0-9]+)?$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Fill level and threshold per bin and local day; or, of the list of bins, the places alone."""
    text = read_text(reply, "utf-8")
    if text.partition(",")[0] == _SERIAL:
        return _parse_list(text)
    lines, malformed = read_lines(text, [_BIN, _DAY, *_VALUES])
    day = pl.col(_DAY).str.to_date("%d-%m-%Y", strict=False)
    dated, undated = refuse_where(
        lines.with_columns(**local_days(day, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null() | ~pl.col(_BIN).str.contains(_NUMBER),
        pl.format("bin '{}' on '{}', not day-month-year", *(pl.col(name).str.slice(0, 40) for name in (_BIN, _DAY))),
    )
    rows, unread = read_numbers(dated.with_columns(place=pl.format("bin:{}", _BIN)), _VALUES)
    return assemble([], rows, [malformed, undated, unread])


def _parse_list(text: str) -> Parsed:
    lines, malformed = read_lines(text, _LIST)
    longitude, latitude = (
        pl.when(pl.col(name).str.contains(_DEGREES)).then(pl.col(name)).cast(pl.Float64)
        for name in (_LONGITUDE, _LATITUDE)
    )
    located, unlocated = refuse_where(
        lines.with_columns(
            kind=pl.col(_STREAM).replace_strict(_STREAMS, default=None, return_dtype=pl.String),
            longitude=longitude,
            latitude=latitude,
        ),
        ~(
            pl.col(_SERIAL).str.contains(_NUMBER)
            & (pl.col(_NAME).str.strip_chars() != "")
            & pl.col("kind").is_not_null()
            & pl.col("longitude").is_between(-180, 180)
            & pl.col("latitude").is_between(-90, 90)
        ),
        pl.format(
            "bin '{}' '{}' of stream '{}' at '{}', '{}'",
            *(pl.col(name).str.slice(0, 40) for name in (_SERIAL, _NAME, _STREAM, _LONGITUDE, _LATITUDE)),
        ),
    )
    places = [
        Place(f"bin:{serial}", kind, name, point(longitude, latitude))
        for serial, kind, name, longitude, latitude in located.select(
            _SERIAL, "kind", _NAME, "longitude", "latitude"
        ).iter_rows()
    ]
    return assemble(places, NOTHING, [malformed, unlocated])


FORM = Form(
    name="wyndham_bins",
    title="Smart litter bins, daily fill level, and the list of bins (CSV)",
    standard="Wyndham City Council, smart bins",
    grade=Grade.PROVEN,
    quantities=("bin_fill", "bin_fill_threshold"),
    request=ask_address,
    parse=parse,
)
