"""CAISO OASIS forecasts of load and of wind and sun, as CSV in a ZIP archive (`resultformat=6`).

Times are UTC with their offset and say where each hour begins and ends, whatever the local
`OPR_HR`. A report is asked anew and again; what it says of an hour yet to come replaces what an
earlier one said, as a version of the same observation known since it came.

Asked wrongly or too often (less than some five seconds apart) the service answers a page, or an
archive of XML that says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._rows import assemble, instant, read_numbers, refuse_where, slug
from passerelle.feeds._text import read_text
from passerelle.feeds._zip import read_zip
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply, Request
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place

_START, _END, _RUN, _ITEM, _VALUE = (
    "INTERVALSTARTTIME_GMT",
    "INTERVALENDTIME_GMT",
    "MARKET_RUN_ID",
    "XML_DATA_ITEM",
    "MW",
)


@dataclass(frozen=True, slots=True)
class _Report:
    """A report's column of areas and their kind, its column of sources if it has one, and what its items are."""

    area: str
    kind: str
    source: str
    quantity: str
    items: dict[str, str]


_REPORTS = (
    _Report(
        "TAC_AREA_NAME", "balancing_area", "", "electricity_demand_forecast", {"7DA SYS_FCST_7DA_MW": "7_days_ahead"}
    ),
    _Report(
        "TRADING_HUB",
        "trading_hub",
        "RENEWABLE_TYPE",
        "electricity_generation_forecast",
        {"DAM RENEW_FCST_DA_MW": "day_ahead"},
    ),
)
_SOURCES = {"Solar": "solar_", "Wind": "wind_"}
_DAYS_ASKED = 8
"""From today on, as the recorded reply of 19 to 27 February was asked."""


def request(feed: Feed) -> Request:
    """The feed's report from its local midnight on; the feed's own words stay as they are."""
    plain = ask_address(feed)
    today = datetime.now(feed.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = (day.astimezone(UTC).strftime("%Y%m%dT%H:%M-0000") for day in (today, today + timedelta(_DAYS_ASKED)))
    return replace(plain, url=f"{plain.url}&startdatetime={start}&enddatetime={end}")


def parse(reply: Reply, feed: Feed) -> Parsed:  # noqa: ARG001  the signature every form has
    """Forecast powers per area or trading hub and hour; the facet says the source and how far ahead it was made."""
    text = _unpack(reply)
    report = next((each for each in _REPORTS if each.area in text.partition("\n")[0].split(",")), _REPORTS[0])
    sources = [report.source] if report.source else []
    lines, malformed = read_lines(text, [_START, _END, _RUN, _ITEM, report.area, *sources, _VALUE])
    ahead = pl.concat_str(_RUN, pl.lit(" "), _ITEM).replace_strict(report.items, default=None, return_dtype=pl.String)
    source = pl.col(report.source).replace_strict(_SOURCES, default=None, return_dtype=pl.String)
    known, unknown = refuse_where(
        lines.with_columns(part=(source if sources else pl.lit("")) + ahead),
        pl.col("part").is_null() | ~pl.col(report.area).str.contains(r"^[A-Z0-9][A-Z0-9 _-]{0,40}$"),
        pl.format("area '{}', run '{}' or item '{}' isn't known", *_shown(report.area, _RUN, _ITEM)),
    )
    timed, untimed = refuse_where(
        known.with_columns(start=instant(pl.col(_START)), end=instant(pl.col(_END))),
        ~(pl.col("end") - pl.col("start")).is_between(timedelta(minutes=5), timedelta(days=1)),
        pl.format("'{}' to '{}' are not the ends of an interval", *_shown(_START, _END)),
    )
    rows, unread = read_numbers(timed, {_VALUE: (report.quantity, "")})
    areas = {area: f"caiso:{slug(area)}" for area in rows[report.area].unique().sort()}
    rows = rows.with_columns(facet="part", place=pl.col(report.area).replace_strict(areas, return_dtype=pl.String))
    places = [Place(place, report.kind, area) for area, place in areas.items()]
    return assemble(places, rows, [malformed, unknown, untimed, unread])


def _shown(*columns: str) -> list[pl.Expr]:
    return [pl.col(name).str.slice(0, 40) for name in columns]


def _unpack(reply: Reply) -> str:
    if not reply.body.startswith(b"PK"):
        said = read_text(reply, "utf-8", "latin-1")
        raise ReplyError(f"the reply is no ZIP archive; it begins {said[:80]!r}", where="body")
    files = read_zip(reply)
    if [name[-4:].lower() for name in files] != [".csv"]:
        said = " ".join(content[:300].decode(errors="replace") for content in files.values())
        raise ReplyError(
            f"the archive holds {sorted(files)[:5]}, one CSV is needed; it says {said[:600]!r}", where="body"
        )
    return read_text(replace(reply, body=next(iter(files.values()))), "utf-8")


FORM = Form(
    name="caiso_oasis",
    title="CAISO OASIS forecasts (CSV in ZIP)",
    standard="CAISO OASIS API, SLD_FCST and SLD_REN_FCST, resultformat 6",
    grade=Grade.PROVEN,
    quantities=tuple(sorted(each.quantity for each in _REPORTS)),
    request=request,
    parse=parse,
)
