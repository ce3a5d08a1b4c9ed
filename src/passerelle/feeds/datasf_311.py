"""DataSF 311 cases: requests to the city, counted per neighbourhood, category and local day (CSV).

Replies hold addresses and free text, so `scrub` runs before a byte is kept: it drops the case's
number, address, notes, details and everything else but times, status, the agency's first word,
category, neighbourhood and a point rounded to 0.001 degrees (about 100 m).

Requests are events and stay personal one by one, so this form counts them, an exception to "no
averaging in a feed" that docs/decisions/counting-requests-in-the-feed.md explains. A request whose
closing comes before its opening is refused whole: one of its times is wrong and nothing says which.

Two schemes are read: one with a `Point`, one with `Lat`, `Long` and the analysis neighbourhood
(`C.Neighborhood`). Where the scheme doesn't name the analysis neighbourhood, it is the one of the
city's areas that the rounded point lies in.
"""

from __future__ import annotations

import io

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import shapely
from shapely.geometry import shape

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, local_days, local_instant, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds.area import Area
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place

_KEPT = ["Opened", "Closed", "Updated", "Status", "Responsible.Agency", "Category", "Neighborhood"]
_POINT_SCHEME = [*_KEPT, "Point"]
_AREA_SCHEME = [*_KEPT, "Lat", "Long", "C.Neighborhood"]

_CLOCKS = ("%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S")
_TIME = r"(?:[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [AP]M|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})"
_WORDS = {
    "Status": r"[A-Za-z]{1,20}",
    "Category": r"(?:311 )?\pL[\pL /&-]{0,60}",
    "Neighborhood": r"\pL[\pL ./'&-]{0,60}",
    "C.Neighborhood": r"\pL[\pL ./'&-]{0,60}",
    "Opened": _TIME,
    "Closed": _TIME,
    "Updated": _TIME,
}
"""What may stand in a kept column: were a harmed line's columns to slip, an address would fit none."""

_AGENCY = r"^(?:zz)?([A-Za-z0-9]+)"
"""The first word of a work queue names its department; some queues go on to name an employee."""

_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]+)?"
_PAIR = rf"^\(({_NUMBER}), ({_NUMBER})\)$"
_BOM = b"\xef\xbb\xbf"
_DECIMALS = 3
_ROUNDING_DEGREES = 0.002
"""How far outside every area a rounded point may fall and still belong to the nearest one."""


def scrub(body: bytes) -> bytes:
    """The reply with only the columns that name nobody, its points rounded.

    A line that can't be read for certain comes out as a line of empty values at the end, so that
    their number is still known. A reply that is in neither scheme is refused, none of it kept.
    """
    _require_whole(body)
    lost = []

    def lose(row: pc.InvalidRow) -> str:
        lost.append("\n" in row.text)
        return "skip"

    try:
        table = pc.read_csv(
            io.BytesIO(body.removeprefix(_BOM)),
            read_options=pc.ReadOptions(use_threads=False, block_size=len(body) + 1),
            parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=lose),
            convert_options=_as_text(body),
        )
        frame = pl.DataFrame(table)
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError):
        # The reader's own message may quote a case, so it is not passed on.
        raise ReplyError("the reply can't be read as CSV; none of it was kept", where="body") from None
    if any(lost):
        raise ReplyError(
            "a line with too many or too few values goes on over others: which quotation mark is the stray one "
            "can't be told; none of the reply was kept",
            where="body",
        )
    scheme = _scheme(frame.columns)
    frame = frame.select(_scrub_column(name) for name in scheme)
    frame = frame.select(pl.when(pl.col("Opened").is_not_null()).then(pl.col(name)).alias(name) for name in scheme)
    blank = pl.DataFrame({name: [None] * len(lost) for name in scheme}, schema=dict.fromkeys(scheme, pl.String))
    return pl.concat([frame, blank]).write_csv(quote_style="necessary").encode()


def _require_whole(body: bytes) -> None:
    """Say why a reply can't be one of cases, without quoting it."""
    text = body.removeprefix(_BOM)
    if not text.strip():
        raise ReplyError("the reply is empty", where="body")
    if text.lstrip().startswith(b"<"):
        raise ReplyError(
            "the reply is markup, such as a page with an error, not data; none of it was kept", where="body"
        )
    if not text.endswith(b"\n"):
        raise ReplyError(
            "the last line breaks off without a line end: the reply was cut short; none of it was kept", where="body"
        )
    if text.count(b'"') % 2:
        raise ReplyError("a quotation mark is never closed; none of the reply was kept", where="body")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        # Not raised from it: the error holds the whole reply.
        where = f"byte {error.start} is 0x{text[error.start]:02x}"
        raise ReplyError(f"the reply is no UTF-8: {where}; none of it was kept", where="body") from None


def _as_text(body: bytes) -> pc.ConvertOptions:
    header = body.removeprefix(_BOM).split(b"\n", 1)[0].decode("utf-8", "replace").removesuffix("\r")
    names = [name.strip('"') for name in header.split(",")]
    return pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)


def _scheme(names: list[str]) -> list[str]:
    for scheme in (_POINT_SCHEME, _AREA_SCHEME):
        if all(names.count(name) == 1 for name in scheme):
            return scheme
    # The names that came aren't shown: a reply without its header would show a case.
    raise ReplyError(
        f"the reply has {len(names)} columns; expected {_KEPT} among them, and Point or Lat, Long, C.Neighborhood",
        where="header",
    )


def _scrub_column(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    if name == "Point":
        kept = pl.format("({}, {})", *(_rounded(text.str.extract(_PAIR, group)) for group in (1, 2)))
    elif name in ("Lat", "Long"):
        kept = _rounded(text.str.extract(f"^({_NUMBER})$"))
    elif name == "Responsible.Agency":
        kept = text.str.extract(_AGENCY)
    else:
        kept = text.str.extract(f"^({_WORDS[name]})$")
    return pl.when(kept != "").then(kept).alias(name)


def _rounded(degrees: pl.Expr) -> pl.Expr:
    return degrees.cast(pl.Float64).round(_DECIMALS).cast(pl.Decimal(9, _DECIMALS)).cast(pl.String)


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Requests opened, requests closed and the median time to close, per area, category and local day."""
    areas = feed.parameters.get("areas")
    if not areas:
        raise InvalidValueError(f"feed {feed.id!r}: areas are needed to place requests in", where="areas")
    text = read_text(reply, "utf-8")
    scheme = _scheme([name.strip('"\r') for name in text.partition("\n")[0].split(",")])
    lines, malformed = read_lines(text, scheme)
    timed, untimed = _time(lines, feed)
    worded, unworded = refuse_where(timed, pl.col("Category") == "", pl.lit("the category is empty"))
    placed, unplaced = _place(worded, list(areas.values()))
    found = placed["area"].unique().sort().to_list()
    places = [Place(f"neighbourhood:{slug(area)}", "neighbourhood", area, areas[area].geometry) for area in found]
    ids = {area: place.id for area, place in zip(found, places, strict=True)}
    placed = placed.with_columns(place=pl.col("area").replace_strict(ids, return_dtype=pl.String))
    closed = placed.filter(pl.col("closed").is_not_null())
    hours = (pl.col("closed") - pl.col("opened")).dt.total_microseconds() / 3_600_000_000
    observations = [
        _per_day(placed, "opened", "reports_opened", pl.len().cast(pl.Float64), feed),
        _per_day(closed, "closed", "reports_closed", pl.len().cast(pl.Float64), feed),
        _per_day(closed, "opened", "report_resolution_median", hours.median(), feed),
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
    latitude, longitude = (pl.col("Point").str.extract(_PAIR, group).cast(pl.Float64) for group in (1, 2))
    points = lines.select("row", latitude=latitude, longitude=longitude).drop_nulls()
    tree = shapely.STRtree([shape(area.geometry) for area in areas])
    found, nearest = tree.query_nearest(
        shapely.points(points["longitude"], points["latitude"]), max_distance=_ROUNDING_DEGREES, all_matches=False
    )
    names = pl.Series([area.name for area in areas], dtype=pl.String)
    area_of = pl.DataFrame({"row": points["row"].gather(found), "area": names.gather(nearest)})
    located = lines.join(area_of, on="row", how="left", maintain_order="left")
    reason = pl.format("point '{}' lies in no area of the city", "Point")
    return refuse_where(located, pl.col("area").is_null(), reason)


def _per_day(cases: pl.DataFrame, clock: str, quantity: str, value: pl.Expr, feed: Feed) -> pl.DataFrame:
    day = pl.col(clock).dt.convert_time_zone(feed.time_zone.key).dt.date()
    counted = cases.group_by("place", pl.col("Category").alias("facet"), day.alias("day"), maintain_order=True).agg(
        value.alias("value"), pl.col("row").min()
    )
    return counted.with_columns(quantity=pl.lit(quantity), **local_days(pl.col("day"), feed.time_zone)).select(
        "place", "quantity", "facet", "start", "end", "value", "row"
    )


FORM = Form(
    name="datasf_311",
    title="DataSF 311 cases, counted per day (CSV)",
    standard="DataSF 311 Cases, vw6y-z8j6",
    grade=Grade.PROVEN,
    quantities=("report_resolution_median", "reports_closed", "reports_opened"),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
