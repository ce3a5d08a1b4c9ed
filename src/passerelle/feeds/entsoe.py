"""ENTSO-E transparency platform: load, generation by source and day-ahead prices of bidding zones (XML).

Times are UTC; point n of a period begins n - 1 resolutions after it. Of curve type A01 every point is
there, and one that isn't is a gap. Of curve type A03 a point that repeats the value before it is left
out: the value holds until the next point or the period's end, so it is read once for each resolution
it holds. That is unpacking, not filling; a later reply may revise any one of them. Source: ENTSO-E,
"Introduction of different Timeseries possibilities (CurveTypes)". In the recorded Finnish reply 12 series
of 288 quarter-hours have 2,052 points.

A series of generation with an `outBiddingZone_Domain` is what plants of that source draw, pumps above
all, and comes out negative under a facet of its own.

The reply names zones by their codes; the feed's parameter `zones` gives each the name people know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._rows import assemble, plausible, read_numbers, refuse_where
from passerelle.feeds._xml import MOST, read_xml
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place

_GENERATION = "electricity_generation"
_PRICE = "electricity_price_day_ahead"
_DOCUMENTS = {
    ("A65", "A16"): ("electricity_demand", ""),
    ("A65", "A01"): ("electricity_demand_forecast", "day_ahead"),
    ("A75", "A16"): (_GENERATION, ""),
    ("A44", ""): (_PRICE, ""),
}
"""Document and process type: actual load, load forecast a day ahead, actual generation by source, prices."""

_SOURCES = {
    "B01": "biomass",
    "B02": "lignite",
    "B03": "coal_gas",
    "B04": "gas",
    "B05": "hard_coal",
    "B06": "oil",
    "B07": "oil_shale",
    "B08": "peat",
    "B09": "geothermal",
    "B10": "pumped_storage",
    "B11": "run_of_river",
    "B12": "reservoir",
    "B13": "marine",
    "B14": "nuclear",
    "B15": "other_renewable",
    "B16": "solar",
    "B17": "waste",
    "B18": "wind_offshore",
    "B19": "wind_onshore",
    "B20": "other",
    "B25": "storage",
}
"""ENTSO-E code list, PsrType: the sources of which generation is published."""

_MINUTES = {"PT15M": 15, "PT30M": 30, "PT60M": 60}
_CURVES = ("A01", "A03")
_DAILY = "A01"
_LONGEST_DAYS = 367
"""The platform answers for a year at most; a longer period is a slip of the pen."""

_POINT = ("row", "raw", "zone", "part", "sign", "curve", "fault", "period", "begins", "ends", "resolution", "n", "told")
_SCHEMA = dict.fromkeys(_POINT, pl.String) | dict.fromkeys(("row", "sign", "period"), pl.Int64)


@dataclass(frozen=True, slots=True)
class _Described:
    """What a series is about, and in `fault` why none of its points can be read."""

    zone: str
    facet: str
    sign: int
    curve: str
    fault: str | None


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Powers or prices per zone and resolution; forecasts of load where the document holds them."""
    zones = feed.parameters.get("zones")
    if not isinstance(zones, Mapping) or not all(isinstance(name, str) and name for name in zones.values()):
        raise InvalidValueError(
            f"feed {feed.id!r}: parameter zones is needed, a table of codes and names", where="zones"
        )
    _, root = read_xml(reply)
    quantity, facet = _find_quantity(root)
    points = pl.DataFrame(_list_points(root, quantity, facet, zones), schema=_SCHEMA, orient="row")
    described, undescribed = refuse_where(points, pl.col("fault").is_not_null(), pl.col("fault"))
    timed, untimed = _read_periods(described)
    placed, unplaced = _read_positions(timed)
    valued, unread = read_numbers(placed, {"told": (quantity, "")})
    rows = _unpack(valued.with_columns(facet="part", value=pl.col("value") * pl.col("sign")))
    places = [Place(f"entsoe:{zone}", "bidding_zone", zones[zone]) for zone in rows["zone"].unique().sort()]
    rows = rows.with_columns(place=pl.format("entsoe:{}", "zone"))
    return assemble(places, rows, [undescribed, untimed, unplaced, unread])


def _find_quantity(root: Element) -> tuple[str, str]:
    kind = (root.findtext("type", ""), root.findtext("process.processType", ""))
    if kind not in _DOCUMENTS:
        said = root.findtext("Reason/text", "")[:200]
        raise ReplyError(
            f"{root.tag[:60]!r} has type and process {kind}; allowed: {sorted(_DOCUMENTS)}; it says {said!r}",
            where="type",
        )
    return _DOCUMENTS[kind]


def _list_points(
    root: Element, quantity: str, facet: str, zones: Mapping[str, str]
) -> Iterator[tuple[int | str | None, ...]]:
    """The points in the order of the reply, in the columns of `_SCHEMA`."""
    value = "price.amount" if quantity == _PRICE else "quantity"
    row = period = 0
    for series in root.iterfind("TimeSeries"):
        it = _describe(series, quantity, facet, zones)
        for each in series.iterfind("Period"):
            period += 1
            frame = (
                each.findtext("timeInterval/start"),
                each.findtext("timeInterval/end"),
                each.findtext("resolution"),
            )
            for point in each.iterfind("Point"):
                row += 1
                raw = "".join(f"<{part.tag}>{part.text or ''}</{part.tag}>" for part in point)
                told = (point.findtext("position", ""), point.findtext(value, ""))
                yield (row, raw, it.zone, it.facet, it.sign, it.curve, it.fault, period, *frame, *told)


def _describe(series: Element, quantity: str, facet: str, zones: Mapping[str, str]) -> _Described:
    if quantity == _PRICE:
        zone, sign = _read_price_zone(series), 1
        unit = f"{series.findtext('currency_Unit.name')}/{series.findtext('price_Measure_Unit.name')}"
        wanted = "EUR/MWH"
    else:
        zone, sign = _read_power_zone(series, quantity)
        unit = series.findtext("quantity_Measure_Unit.name", "")
        wanted = "MAW"
    source = series.findtext("MktPSRType/psrType", "") if quantity == _GENERATION else ""
    if source:
        facet = _SOURCES.get(source, "") + ("_consumption" if sign < 0 else "")
    curve = series.findtext("curveType", "")
    contract = series.findtext("contract_MarketAgreement.type", _DAILY)
    faults = {
        f"zone {zone[:40]!r} is none of the feed's: {', '.join(sorted(zones))}": zone not in zones,
        f"unit {unit[:40]!r} is not {wanted}": unit != wanted,
        f"source {source[:40]!r} is not in the code list": quantity == _GENERATION and source not in _SOURCES,
        f"curve type {curve[:40]!r} is none of {', '.join(_CURVES)}": curve not in _CURVES,
        f"contract {contract[:40]!r} is not the daily one, {_DAILY}": contract != _DAILY,
    }
    return _Described(zone, facet, sign, curve, next((reason for reason, wrong in faults.items() if wrong), None))


def _read_power_zone(series: Element, quantity: str) -> tuple[str, int]:
    """A zone, and -1 where what its plants draw is told."""
    drawn = series.findtext("outBiddingZone_Domain.mRID")
    if drawn is None:
        return series.findtext("inBiddingZone_Domain.mRID", ""), 1
    return drawn, -1 if quantity == _GENERATION else 1


def _read_price_zone(series: Element) -> str:
    into, out = (series.findtext(f"{side}_Domain.mRID", "") for side in ("in", "out"))
    return into if into == out else f"{into} to {out}"


def _read_periods(points: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The points with `begin` of their period, its `minutes` and how many of them it has in `steps`."""
    moment = {
        name: plausible(pl.col(text).str.to_datetime("%Y-%m-%dT%H:%MZ", strict=False)).dt.replace_time_zone("UTC")
        for name, text in (("begin", "begins"), ("stop", "ends"))
    }
    minutes = pl.col("resolution").replace_strict(_MINUTES, default=None, return_dtype=pl.Int64)
    timed = points.with_columns(**moment, minutes=minutes).with_columns(
        length=(pl.col("stop") - pl.col("begin")).dt.total_minutes()
    )
    whole = pl.col("length").is_between(1, _LONGEST_DAYS * 24 * 60) & (pl.col("length") % pl.col("minutes") == 0)
    shown = (pl.col(name).fill_null("nothing").str.slice(0, 40) for name in ("begins", "ends", "resolution"))
    kept, refused = refuse_where(timed, ~whole, pl.format("a period from {} to {} by {} can't be read", *shown))
    return kept.with_columns(steps=pl.col("length") // pl.col("minutes")), refused


def _read_positions(points: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The points with the `step` they begin at and the one they end before: `until`.

    Of a period with a position that can't be read or isn't after the one before, none is: what holds when is unsure.
    """
    step = pl.when(pl.col("n").str.contains("^[0-9]{1,6}$")).then(pl.col("n")).cast(pl.Int64, strict=False)
    wrong = ~pl.col("step").is_between(1, "steps") | (pl.col("step") <= pl.col("step").shift().over("period"))
    kept, refused = refuse_where(
        points.with_columns(step=step),
        (wrong.fill_null(value=False) | pl.col("step").is_null()).any().over("period"),
        pl.format(
            "position '{}' of a period whose positions aren't each a number after the last",
            pl.col("n").str.slice(0, 40),
        ),
    )
    following = pl.col("step").shift(-1).over("period").fill_null(pl.col("steps") + 1)
    until = pl.when(pl.col("curve") == "A03").then(following).otherwise(pl.col("step") + 1)
    return kept.with_columns(until=until), refused


def _unpack(points: pl.DataFrame) -> pl.DataFrame:
    """A row for each resolution that a point's value holds."""
    most = points.select((pl.col("until") - pl.col("step")).sum()).item()
    if most > MOST:
        raise ReplyError(f"the reply unpacks to {most} values; at most {MOST} are read", where="body")
    rows = points.with_columns(step=pl.int_ranges("step", "until")).explode("step")
    start = pl.col("begin") + pl.duration(minutes=(pl.col("step") - 1) * pl.col("minutes"))
    return rows.with_columns(start=start, end=start + pl.duration(minutes="minutes"))


FORM = Form(
    name="entsoe",
    title="ENTSO-E load, generation by source and day-ahead prices (XML)",
    standard="ENTSO-E transparency platform; IEC 62325-451-3 and -6 documents A44, A65, A75",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for quantity, _ in _DOCUMENTS.values()})),
    request=ask_address,
    parse=parse,
)
