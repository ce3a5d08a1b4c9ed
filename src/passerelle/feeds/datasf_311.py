"""DataSF 311 cases: requests to the city, counted per neighbourhood, category and local day (CSV, SODA JSON).

Replies hold addresses and free text, so `scrub` runs before a byte is kept: it drops the case's
number, address, notes, details and everything else but times, status, the agency's first word,
category, neighbourhood and a point rounded to 0.001 degrees (about 100 m).

Requests are events and stay personal one by one, so this form counts them, an exception to "no
averaging in a feed" that docs/decisions/counting-requests-in-the-feed.md explains. A request whose
closing comes before its opening is refused whole: one of its times is wrong and nothing says which.

Three schemes are read. Until 20 April 2017 columns had names of their own; the recorded files have
either a `Point`, or `Lat`, `Long` and the analysis neighbourhood (`C.Neighborhood`). Since then they
are named as Open311 names them (`requested_datetime`); that scheme is read from its published list of
fields, as a file or as SODA 2.1 answers: a list of objects whose values are all strings, fields
without a value left out, times of the local clock without a zone. Where the scheme doesn't name the
analysis neighbourhood, it is the one of the city's areas that the rounded point lies in.
"""

from __future__ import annotations

import msgspec
import polars as pl
import shapely
from shapely.geometry import shape

from passerelle.feeds._ask import ask_address
from passerelle.feeds._cases import count_per_day, find_scheme, keep_columns, split_header, write_kept
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_instant, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds.area import Area
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place

_CLOCKS = ("%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.3f")
_TIME = r"(?:[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [AP]M|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})"
_SODA_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}"
_WORD = r"[A-Za-z]{1,20}"
_CATEGORY = r"(?:311 )?\pL[\pL /&-]{0,60}"
_AREA = r"\pL[\pL ./'&-]{0,60}"
_AGENCY = r"^(?:zz)?([A-Za-z0-9]+)"
"""The first word of a work queue names its department; some queues go on to name an employee."""

_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]+)?"
_PAIR = rf"^\(({_NUMBER}), ({_NUMBER})\)$"
_DECIMALS = 3
_ROUNDING_DEGREES = 0.002
"""How far outside every area a rounded point may fall and still belong to the nearest one."""


def _whole(name: str, pattern: str) -> pl.Expr:
    """The column's text where all of it fits: were a harmed line's columns to slip, an address would fit none."""
    return pl.col(name).str.strip_chars().str.extract(f"^({pattern})$")


def _rounded(degrees: pl.Expr) -> pl.Expr:
    return degrees.cast(pl.Float64).round(_DECIMALS).cast(pl.Decimal(9, _DECIMALS)).cast(pl.String)


_PAIRED = pl.format("({}, {})", *(_rounded(pl.col("Point").str.strip_chars().str.extract(_PAIR, at)) for at in (1, 2)))
_KEPT = {
    "Opened": _whole("Opened", _TIME),
    "Closed": _whole("Closed", _TIME),
    "Updated": _whole("Updated", _TIME),
    "Status": _whole("Status", _WORD),
    "Responsible.Agency": pl.col("Responsible.Agency").str.strip_chars().str.extract(_AGENCY),
    "Category": _whole("Category", _CATEGORY),
    "Neighborhood": _whole("Neighborhood", _AREA),
}
_POINT_SCHEME = {**_KEPT, "Point": _PAIRED}
_AREA_SCHEME = {
    **_KEPT,
    "Lat": _rounded(_whole("Lat", _NUMBER)),
    "Long": _rounded(_whole("Long", _NUMBER)),
    "C.Neighborhood": _whole("C.Neighborhood", _AREA),
}
_SODA_SCHEME = {
    "requested_datetime": _whole("requested_datetime", _SODA_TIME),
    "closed_date": _whole("closed_date", _SODA_TIME),
    "status_description": _whole("status_description", _WORD),
    "agency_responsible": pl.col("agency_responsible").str.strip_chars().str.extract(_AGENCY),
    "service_name": _whole("service_name", _CATEGORY),
    "lat": _rounded(_whole("lat", _NUMBER)),
    "long": _rounded(_whole("long", _NUMBER)),
}
_SCHEMES = (_POINT_SCHEME, _AREA_SCHEME, _SODA_SCHEME)
_FIRST_NAMES = {"requested_datetime": "Opened", "closed_date": "Closed", "service_name": "Category"}


def scrub(body: bytes) -> bytes:
    """The reply with only the columns that name nobody, its points rounded; a SODA answer as such lines.

    A line or object that can't be read for certain comes out as a line of empty values at the end. A
    reply that is in no scheme is refused, none of it kept.
    """
    return _scrub_soda(body) if body.lstrip().startswith(b"[") else keep_columns(body, _SCHEMES)


def _scrub_soda(body: bytes) -> bytes:
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError, ValueError):
        # The decoder's message may quote a case, so it is not passed on.
        raise ReplyError("the reply is no whole JSON list; none of it was kept", where="body") from None
    cases = []
    for item in items:
        try:
            case = msgspec.json.decode(item, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError, ValueError):
            continue
        cases.append({name: value if isinstance(value := case.get(name, ""), str) else "" for name in _SODA_SCHEME})
    if cases and not any(case["requested_datetime"] for case in cases):
        raise ReplyError(f"none of {len(items)} objects has requested_datetime; none was kept", where="body")
    frame = pl.DataFrame(cases, schema=dict.fromkeys(_SODA_SCHEME, pl.String))
    return write_kept(frame, _SODA_SCHEME, len(items) - len(cases))


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Requests opened, requests closed and the median time to close, per area, category and local day."""
    areas = feed.parameters.get("areas")
    if not areas:
        raise InvalidValueError(f"feed {feed.id!r}: areas are needed to place requests in", where="areas")
    text = read_text(reply, "utf-8")
    scheme = find_scheme(split_header(text.partition("\n")[0]), _SCHEMES)
    lines, malformed = read_lines(text, list(scheme))
    timed, untimed = _time(lines.rename(_FIRST_NAMES, strict=False), feed)
    worded, unworded = refuse_where(timed, pl.col("Category") == "", pl.lit("the category is empty"))
    placed, unplaced = _place(worded, list(areas.values()))
    found = placed["area"].unique().sort().to_list()
    places = [Place(f"neighbourhood:{slug(area)}", "neighbourhood", area, areas[area].geometry) for area in found]
    ids = {area: place.id for area, place in zip(found, places, strict=True)}
    placed = placed.with_columns(
        place=pl.col("area").replace_strict(ids, return_dtype=pl.String), facet=pl.col("Category")
    )
    closed = placed.filter(pl.col("closed").is_not_null())
    hours = (pl.col("closed") - pl.col("opened")).dt.total_microseconds() / 3_600_000_000
    observations = [
        count_per_day(placed, "opened", "reports_opened", pl.len(), feed.time_zone),
        count_per_day(closed, "closed", "reports_closed", pl.len(), feed.time_zone),
        count_per_day(closed, "opened", "report_resolution_median", hours.median(), feed.time_zone),
    ]
    return assemble(places, pl.concat(observations), [malformed, untimed, unworded, unplaced])


def _time(lines: pl.DataFrame, feed: Feed) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines with `opened` and `closed` as UTC instants, and those whose times can't be right."""
    instants = {}
    for name, column in (("opened", "Opened"), ("closed", "Closed")):
        written = [pl.col(column).str.to_datetime(form, time_unit="us", strict=False) for form in _CLOCKS]
        instants[name] = local_instant(pl.coalesce(written), feed.time_zone)
    lines = lines.with_columns(**instants)
    timed, unread = refuse_where(
        lines,
        pl.col("opened").is_null() | ((pl.col("Closed") != "") & pl.col("closed").is_null()),
        pl.format("opened '{}', closed '{}': not times of the local clock", "Opened", "Closed"),
    )
    ordered, reversed_ = refuse_where(
        timed,
        pl.col("closed").is_not_null() & (pl.col("closed") < pl.col("opened")),
        pl.format("closed {} before it was opened {}", "Closed", "Opened"),
    )
    return ordered, pl.concat([unread, reversed_])


def _place(lines: pl.DataFrame, areas: list[Area]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines with the `area` each lies in, and those that lie in none."""
    if "C.Neighborhood" in lines.columns:
        named = lines.with_columns(area=pl.col("C.Neighborhood"))
        known = [area.name for area in areas]
        reason = pl.format("'{}' is not an area of the city", "C.Neighborhood")
        return refuse_where(named, ~pl.col("area").is_in(known), reason)
    if "lat" in lines.columns:
        said, latitude, longitude = pl.format("({}, {})", "lat", "long"), pl.col("lat"), pl.col("long")
    else:
        said = pl.col("Point")
        latitude, longitude = (said.str.extract(_PAIR, group) for group in (1, 2))
    degrees = (each.cast(pl.Float64, strict=False) for each in (latitude, longitude))
    points = lines.select("row", *(each.alias(name) for name, each in zip(("y", "x"), degrees, strict=True)))
    points = points.drop_nulls()
    tree = shapely.STRtree([shape(area.geometry) for area in areas])
    found, nearest = tree.query_nearest(
        shapely.points(points["x"], points["y"]), max_distance=_ROUNDING_DEGREES, all_matches=False
    )
    names = pl.Series([area.name for area in areas], dtype=pl.String)
    area_of = pl.DataFrame({"row": points["row"].gather(found), "area": names.gather(nearest)})
    located = lines.join(area_of, on="row", how="left", maintain_order="left")
    reason = pl.format("point '{}' lies in no area of the city", said)
    return refuse_where(located, pl.col("area").is_null(), reason)


FORM = Form(
    name="datasf_311",
    title="DataSF 311 cases, counted per day (CSV, SODA JSON)",
    standard="DataSF 311 Cases, vw6y-z8j6",
    grade=Grade.PROVEN,
    quantities=("report_resolution_median", "reports_closed", "reports_opened"),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
