"""Hourly counts of Paris' permanent road loops (Parquet), and the arcs of road they stand for (CSV).

The two are read as what they are: counts of arcs that are named by their number, and the list of arcs
with their lines ("référentiel"). An arc that the list has in several parts is one place of several lines.

`t_1h` is the local clock at the end of the hour. Evidence on the recorded file: the mean working day keeps its shape
over every change of the clocks from 2010 to 2022, which it would not under UTC. When the curfew of 20:00 became one
of 18:00, on 16 January 2021, the flow of the Champs-Élysées over two weeks rose by 3 % under label 18 and fell by 13 %
under 19, by 31 % under 20 and by 17 % under 21: 20 is the hour from 19:00, the last one that the change closed.
Of the hour that autumn repeats there is one row, read as the first of the two, as éCO2mix is.

`etat_barre` comes as numbers without a key. 2 is closed: on the first Sundays of a month, when the Champs-Élysées
belong to people on foot, it stands there from 11 to 19 and nearly never else. 1, on all three arcs until 15 May 2012
and never after, goes with ordinary flows: open. 3 stands in those years on the hours without any value, and on nearly
all rows since, so that it tells nothing and isn't read. Nor is `etat_trafic`, which is `k` in classes (below 15, 30
and 50 %). An empty `q` or `k` says that there is none.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import polars as pl
import pyarrow as pa

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED, read_lines
from passerelle.feeds._parquet import list_values, read_parquet, show
from passerelle.feeds._rows import assemble, local_instant, refuse_where
from passerelle.feeds._text import read_bytes, read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError
from passerelle.model.observation import PARSED
from passerelle.model.place import Place

_COLUMNS = {
    "iu_ac": pa.int64(),
    "t_1h": pa.timestamp("us"),
    "q": pa.float64(),
    "k": pa.float64(),
    "etat_barre": pa.int64(),
}
_VALUES = {"q": ("vehicle_count", ""), "k": ("road_occupancy", ""), "closed": ("road_closed", "")}
_CLOSED = {1: 0.0, 2: 1.0}
_UNKNOWN = 3

_ARC, _NAME, _SHAPE = "Identifiant arc", "Libelle", "geo_shape"


class _Line(msgspec.Struct):
    type: Literal["LineString"]
    coordinates: list[tuple[float, float]]


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Up to three values per arc and hour, or the arcs as places with their lines."""
    body = read_bytes(reply)
    return _read_counts(body, feed) if body.startswith(b"PAR1") else _read_arcs(read_text(reply, "utf-8"))


def _read_counts(body: bytes, feed: Feed) -> Parsed:
    rows = read_parquet(body, _COLUMNS)
    whole, unusable = refuse_where(
        rows,
        ~(
            (pl.col("iu_ac") > 0)
            & (pl.col("t_1h").dt.truncate("1h") == pl.col("t_1h"))
            & pl.col("etat_barre").is_in([_UNKNOWN, *_CLOSED])
        ),
        pl.lit("an arc, a full hour and a state of 1, 2 or 3 are needed"),
        raw=show(_COLUMNS),
    )
    whole = whole.with_columns(
        closed=pl.col("etat_barre").replace_strict(_CLOSED, default=None, return_dtype=pl.Float64)
    )
    said = whole.filter(pl.any_horizontal(pl.col(*_VALUES).is_not_null()))
    timed, skipped = refuse_where(
        said.with_columns(start=local_instant(pl.col("t_1h").dt.offset_by("-1h"), feed.time_zone)),
        pl.col("start").is_null(),
        pl.format("the hour to {} doesn't exist: the clock skips it", "t_1h"),
        raw=show(_COLUMNS),
    )
    placed = timed.with_columns(place=pl.format("arc:{}", "iu_ac"), end=pl.col("start").dt.offset_by("1h"))
    observed = list_values(placed, _VALUES)
    return assemble([], observed, [unusable, skipped])


def _read_arcs(text: str) -> Parsed:
    lines, malformed = read_lines(text, [_ARC, _NAME, _SHAPE])
    named, unnamed = refuse_where(
        lines,
        ~pl.col(_ARC).str.contains(r"^[0-9]{1,9}$") | (pl.col(_NAME).str.strip_chars() == ""),
        pl.format("arc '{}' with the name '{}'", pl.col(_ARC).str.slice(0, 40), pl.col(_NAME).str.slice(0, 40)),
    )
    arcs: dict[str, Place] = {}
    refused: list[dict[str, Any]] = []
    for row, raw, arc, name, shape in named.select("row", "raw", _ARC, _NAME, _SHAPE).iter_rows():
        known = arcs.get(arc)
        try:
            line = msgspec.json.decode(shape, type=_Line)
            lines_known = [] if known is None or known.geometry is None else known.geometry["coordinates"]
            geometry = {"type": "MultiLineString", "coordinates": [*lines_known, line.coordinates]}
            arcs[arc] = Place(f"arc:{arc}", "road arc", name, geometry)
        except (msgspec.MsgspecError, InvalidValueError) as error:
            refused.append({"row": row, "reason": f"{_SHAPE} is no line: {error}", "raw": raw})
    nothing = pl.DataFrame(schema=pl.Schema(PARSED))
    return assemble(arcs.values(), nothing, [malformed, unnamed, pl.DataFrame(refused, schema=REFUSED)])


FORM = Form(
    name="comptages_routiers",
    title="Permanent road counts, hourly, and their arcs (Parquet, CSV)",
    standard="comptages-routiers-permanents, referentiel-comptages-routiers",
    grade=Grade.PROVEN,
    quantities=tuple(sorted(quantity for quantity, _ in _VALUES.values())),
    request=ask_address,
    parse=parse,
)
