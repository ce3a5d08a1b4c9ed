"""PurpleAir: particles as low-cost sensors count them, raw, channel by channel (JSON, daily CSV).

Two shapes are read: an answer of API v1 for many sensors, `fields` with a list of names and `data` with a list
of values for each sensor, whose values are states at `last_seen`, or else at the answer's `time_stamp`, that
hold for the feed's cadence; and a table of daily means with a column `sensor_index`, `DAILY` and one for each
channel, as calibration studies publish them. No answer of the API is recorded: its shape is the documented one.

A sensor has two lasers, A and B, and gives each count by two factors, `cf_1` and `atm`: they are facets, and
the quantity is "raw", because none of them is the concentration that a reference instrument measures.

Sensors stand at homes and are named by who lives there: `scrub` leaves of an answer the index, the time, the
values and a position rounded to 0.01 degrees (about 1 km), and nothing of a name.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED, read_lines
from passerelle.feeds._rows import assemble, local_days, plausible, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place, point

_STATE, _DAILY = "pm2_5_raw", "pm2_5_raw_daily_mean"
_CHANNELS = {f"pm2.5_{factor}{laser}": f"{factor}{laser}" for factor in ("atm", "cf_1") for laser in ("", "_a", "_b")}
_INDEX, _SEEN, _DAY = "sensor_index", "last_seen", "DAILY"
_POSITION = ("longitude", "latitude")
_KEPT = (_INDEX, _SEEN, *_POSITION, *_CHANNELS)
_DECIMALS = 2
_NUMBER = r"^-?[0-9]{1,15}(?:\.[0-9]{1,20})?$"
_BOM = b"\xef\xbb\xbf"
_TABLE = {_INDEX, _DAY, "conc", "A_B_Avg", "humidity_a", "temp_Celsius", "dewPoint", "n", *_CHANNELS}
"""Columns of a table of daily means; `conc` is a reference instrument's concentration and isn't read."""


class _Answer(msgspec.Struct):
    fields: list[str]
    data: list[list[Any]]
    time_stamp: int | None = None


def scrub(body: bytes) -> bytes:
    """An answer with only the fields that name nobody, positions rounded; a table of daily means as it is."""
    if not body.lstrip(_BOM + b" \r\n\t").startswith(b"{"):
        _require_table(body)
        return body
    answer = _decode(body)
    kept = [name for name in _KEPT if answer.fields.count(name) == 1]
    places = [answer.fields.index(name) for name in kept]
    data = [
        [_keep(name, row[at]) for name, at in zip(kept, places, strict=True)] if len(row) == len(answer.fields) else []
        for row in answer.data
    ]
    return msgspec.json.encode(_Answer(kept, data, answer.time_stamp))


def _require_table(body: bytes) -> None:
    header = body.removeprefix(_BOM).partition(b"\n")[0].decode("utf-8", "replace").removesuffix("\r")
    names = header.split(",")
    strange = [name for name in names if name not in _TABLE]
    if _INDEX not in names or strange:
        # Other names aren't shown: without its header a reply would show a sensor's.
        raise ReplyError(
            f"{len(strange)} of {len(names)} columns are none of a table of daily means, expected {sorted(_TABLE)}; "
            "none of it was kept",
            where="header",
        )


def _decode(body: bytes) -> _Answer:
    try:
        return msgspec.json.decode(body.removeprefix(_BOM), type=_Answer)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        # The decoder's message may quote a name, so it is not passed on.
        raise ReplyError("the reply is no answer with fields and data; none of it was kept", where="body") from None


def _keep(name: str, value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value, _DECIMALS) if name in _POSITION else value


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Raw particles per sensor, channel and moment, or per sensor, channel and local day."""
    text = read_text(reply, "utf-8")
    if text.lstrip().startswith("{"):
        return _parse_answer(_decode(text.encode()), feed)
    present = {name: (_DAILY, facet) for name, facet in _CHANNELS.items() if name in text.partition("\n")[0].split(",")}
    if not present:
        raise ReplyError(f"a column of {list(_CHANNELS)} is needed", where="header")
    lines, malformed = read_lines(text, [_INDEX, _DAY, *present])
    day = pl.col(_DAY).str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    dated, undated = refuse_where(
        lines.with_columns(place=pl.format("purpleair:{}", _INDEX), **local_days(day, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null() | ~pl.col(_INDEX).str.contains("^[0-9]{1,12}$"),
        pl.format("sensor '{}' on '{}'", *(pl.col(name).str.slice(0, 40) for name in (_INDEX, _DAY))),
    )
    rows, unread = read_numbers(dated, present, absent=["", "NA"], pattern=_NUMBER)
    return assemble(_name(rows), rows, [malformed, undated, unread])


def _parse_answer(answer: _Answer, feed: Feed) -> Parsed:
    if feed.cadence_seconds is None:
        raise InvalidValueError(
            f"feed {feed.id!r}: a cadence is needed, for which a value holds", where="cadence_seconds"
        )
    present = {name: (_STATE, facet) for name, facet in _CHANNELS.items() if name in answer.fields}
    if answer.fields.count(_INDEX) != 1 or not present:
        raise ReplyError(f"fields {_INDEX} and one of {list(_CHANNELS)} are needed", where="fields")
    names = [name for name in _KEPT if answer.fields.count(name) == 1]
    places = {name: answer.fields.index(name) for name in names}
    whole = [(row, values) for row, values in enumerate(answer.data, 1) if len(values) == len(answer.fields)]
    broken = [row for row, values in enumerate(answer.data, 1) if len(values) != len(answer.fields)]
    columns = {name: [_text(values[at]) for _, values in whole] for name, at in places.items()}
    frame = pl.DataFrame(
        {"row": [row for row, _ in whole], "raw": [repr(values)[:400] for _, values in whole], **columns},
        schema={"row": pl.Int64, "raw": pl.String, **dict.fromkeys(columns, pl.String)},
    )
    stamp = pl.lit(answer.time_stamp, pl.Int64)
    told = pl.col(_SEEN).str.to_integer(strict=False) if _SEEN in columns else stamp
    seen = pl.when(pl.col(_SEEN) == "").then(stamp).otherwise(told) if _SEEN in columns else stamp
    start = plausible(pl.from_epoch(seen, "s").cast(pl.Datetime("us"))).dt.replace_time_zone("UTC")
    timed, untimed = refuse_where(
        frame.with_columns(
            place=pl.format("purpleair:{}", _INDEX),
            start=start,
            end=start + timedelta(seconds=feed.cadence_seconds),
        ),
        pl.col("start").is_null() | ~pl.col(_INDEX).str.contains("^[0-9]{1,12}$"),
        pl.format("sensor '{}' without a time or a number", pl.col(_INDEX).str.slice(0, 40)),
    )
    values = {name: meant for name, meant in present.items() if name in columns}
    rows, unread = read_numbers(timed, values, absent=[""], pattern=_NUMBER)
    short = pl.DataFrame(
        [{"row": row, "reason": "as many values as fields are needed", "raw": ""} for row in broken], schema=REFUSED
    )
    return assemble(_name(rows), rows, [short, untimed, unread])


def _text(value: Any) -> str:
    return "" if isinstance(value, bool) or not isinstance(value, int | float) else repr(value)


def _name(rows: pl.DataFrame) -> list[Place]:
    """A place per sensor, at the point most lately given where one is."""
    columns = [name for name in (_INDEX, *_POSITION) if name in rows.columns]
    found = []
    for row in rows.select("place", *columns).unique("place", keep="last", maintain_order=True).iter_rows(named=True):
        degrees = [float(row[name]) for name in _POSITION if row.get(name)]
        located = len(degrees) == 2 and abs(degrees[0]) <= 180 and abs(degrees[1]) <= 90
        where = point(degrees[0], degrees[1]) if located else None
        found.append(Place(row["place"], "low_cost_sensor", f"PurpleAir sensor {row[_INDEX]}", where))
    return found


FORM = Form(
    name="purpleair",
    title="PurpleAir raw particles, answers and daily tables (JSON, CSV)",
    standard="PurpleAir API v1, sensors; daily tables of calibration studies",
    grade=Grade.FIXTURE,
    quantities=(_STATE, _DAILY),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
