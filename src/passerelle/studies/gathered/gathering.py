"""What a study of places or episodes reads of the archive: rows, marks, and the facts its checks need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.lake.contract import Selection
from passerelle.model.errors import StudyError
from passerelle.model.interval import format_time, parse_time
from passerelle.model.quantity import get_quantity
from passerelle.registry.changes import list_changes
from passerelle.registry.findings import list_findings
from passerelle.registry.places import get_place
from passerelle.registry.series import StoredSeries, list_series
from passerelle.registry.trust import StoredMark
from passerelle.studies.declared.declaration import PanelDesign
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Days
from passerelle.studies.gathered.calendar import midnight
from passerelle.studies.gathered.distances import Geometry, measure
from passerelle.studies.gathered.facts import Facts, cut_at, share_looks
from passerelle.studies.gathered.panels import COMPARISON, SEATS, SURROUNDING, TREATED
from passerelle.studies.gathered.panels import read_span as read_places_span
from passerelle.studies.gathered.seating import seat
from passerelle.studies.gathered.spells import read_span as read_episodes_span
from passerelle.studies.gathered.trusted import read_marks, tabulate
from passerelle.studies.gathered.units import ROWS

_MOST = 1000
_MOST_SERIES = 100_000


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that a run needs: `held` are the observations, `seats` say what each series is there for."""

    held: pl.DataFrame
    seats: pl.DataFrame
    series: Mapping[int, StoredSeries]
    marked: Sequence[tuple[int, StoredMark]]
    facts: Facts

    @property
    def rows(self) -> pl.DataFrame:
        """The observations in the columns of `units.ROWS`."""
        return self.held.select(*ROWS)

    @property
    def marks(self) -> pl.DataFrame:
        """The marks in the columns of `cut.MARKS`."""
        return tabulate(self.marked)


def gather(archive: Archive, study: PanelDesign, change: Mapping[str, Any], now: datetime) -> Gathered:
    """What the archive holds for the study of `change`, a change's document, at the time of the look `now`."""
    zone = archive.city.time_zone
    days = read_places_span(study) if isinstance(study, PlacesStudy) else read_episodes_span(study)
    start, end = (midnight(day, zone) for day in days)
    with archive.engine.connect() as connection:
        seats = _seat(connection, study, change)
        series = list_seated(connection, seats)
    held = archive.lake.read(Selection(sorted(series), start, end))
    if not held.num_rows:
        raise StudyError(f"the archive holds nothing of {study.outcome.feed} on the study's days", where="windows")
    feeds = sorted({one.feed for one in series.values()})
    marked = [
        one
        for feed in feeds
        for one in read_marks(archive, feed, {n: s for n, s in series.items() if s.feed == feed}, start, end)
    ]
    with archive.engine.connect() as connection:
        facts = _find_facts(
            connection, study, change, seats, days, now.astimezone(zone).date(), zone=archive.city.time_zone
        )
    return Gathered(pl.DataFrame(pl.from_arrow(held)), seats, series, marked, facts)


def _seat(connection: Connection, study: PanelDesign, change: Mapping[str, Any]) -> pl.DataFrame:
    if isinstance(study, PlacesStudy):
        return seat(connection, study, change["where"])
    outcome = study.outcome
    found = [
        one
        for one in list_series(connection, feed=outcome.feed, quantity=outcome.quantity, limit=_MOST_SERIES)
        if one.facet == outcome.facet and (not study.places or one.place in study.places)
    ]
    if not found:
        raise StudyError(
            f"the archive holds no series of {outcome.quantity} ({outcome.facet or 'no facet'}) from {outcome.feed}",
            where="study.outcome",
        )
    rows = [(one.number, one.place, one.place_name, TREATED, one.place, study.first_day, None) for one in found]
    return pl.DataFrame(rows, schema=SEATS, orient="row").sort("place")


def list_seated(connection: Connection, seats: pl.DataFrame) -> dict[int, StoredSeries]:
    """The series of the seats by number."""
    wanted = set(seats["series"])
    found: dict[int, StoredSeries] = {}
    for place in seats["place"].unique():
        found |= {one.number: one for one in list_series(connection, place=place, limit=_MOST_SERIES)}
    return {number: one for number, one in sorted(found.items()) if number in wanted}


def _find_facts(
    connection: Connection,
    study: PanelDesign,
    change: Mapping[str, Any],
    seats: pl.DataFrame,
    days: Days,
    today: date,
    *,
    zone: Any,
) -> Facts:
    earlier = list_findings(connection, study=study.id, limit=_MOST)
    taken = [*(parse_time(one["computed_at"]).astimezone(zone).date() for one in earlier), today]
    until = cut_at(study.stop, today)
    return {
        "change_on": parse_time(change["start"]).astimezone(zone).date().isoformat(),
        "ramp": change.get("ramp"),
        "others": list_others(connection, study, seats, days, zone),
        "outcomes": _list_outcomes(connection, study),
        "looks": share_looks(study.stop, study.publish_on, _planned(study), taken),
        "until": None if until is None else until.isoformat(),
        "definitions": _define(study),
    }


def list_others(
    connection: Connection, study: PanelDesign, seats: pl.DataFrame, days: Days, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Other registered changes in force on the days, to before the second, at a place of `seats` or all over the city.

    Each is told as `facts` has it.
    """
    counted = seats.filter(pl.col("role") != SURROUNDING)["place"].unique().sort().to_list()
    reach = study.spillover.metres if isinstance(study, PlacesStudy) and study.spillover is not None else 0.0
    return list_touching(connection, counted, reach, days, zone, but=study.change)


def list_touching(
    connection: Connection, places: Sequence[str], reach: float, days: Days, zone: ZoneInfo, *, but: str | None = None
) -> list[dict[str, Any]]:
    """Registered changes, all `but` one, in force on the days, to before the second, at one of the places or all over
    the city; a change with a geometry touches what lies within `reach` metres. Each is told as `facts` has it."""
    return [
        told
        for one in _list_changes(connection)
        if one["id"] != but and (told := _touch(connection, one, places, reach, days, zone)) is not None
    ]


def _planned(study: PanelDesign) -> Days:
    if isinstance(study, EpisodesStudy):
        return study.first_day, read_episodes_span(study)[1]
    return study.windows.after[0], read_places_span(study)[1]


def _list_changes(connection: Connection) -> Iterable[dict[str, Any]]:
    after = None
    while page := list_changes(connection, limit=_MOST, after=after):
        yield from page
        after = page[-1]["id"]


def _touch(
    connection: Connection, other: Mapping[str, Any], counted: Sequence[str], reach: float, days: Days, zone: Any
) -> dict[str, Any] | None:
    """The other change as the facts tell it; None where it was over before, began later, or touched none of these."""
    start, end = parse_time(other["start"]), None if other["end"] is None else parse_time(other["end"])
    if start >= midnight(days[1], zone) or (end is not None and end <= midnight(days[0], zone)):
        return None
    where = other["where"]
    places: list[str] | None = None
    if where["geometry"] is not None or where["places"]:
        far = measure([_geometry(connection, one) for one in counted], [where["geometry"]])
        named = set(where["places"])
        places = [
            one
            for one, metres in zip(counted, far, strict=True)
            if one in named or (metres is not None and metres <= reach)
        ]
        if not places:
            return None
    return {
        "id": other["id"],
        "title": other["title"],
        "start": format_time(start),
        "end": None if end is None else format_time(end),
        "geometry": where["geometry"],
        "places": places,
    }


def _geometry(connection: Connection, place: str) -> Geometry | None:
    return get_place(connection, place).geometry


def _list_outcomes(connection: Connection, study: PanelDesign) -> list[dict[str, Any]]:
    """The latest finding of each other study of the same change."""
    latest: dict[str, dict[str, Any]] = {}
    for one in list_findings(connection, change=study.change, limit=_MOST):
        latest.setdefault(one["study"], one)
    return [
        {"study": name, "finding": one["id"], "p_value": one["estimate"]["p_value"]}
        for name, one in sorted(latest.items())
        if name != study.id and one["estimate"] is not None
    ]


def _define(study: PanelDesign) -> dict[str, dict[str, str]]:
    """What is measured on either side."""
    groups = {TREATED: study.treated, COMPARISON: study.comparison}
    told = {}
    for side, group in groups.items():
        name = getattr(group, "quantity", None) or study.outcome.quantity
        quantity = get_quantity(name)
        told[side] = {
            "quantity": name,
            "unit": quantity.unit,
            "statistic": quantity.statistic.value,
            "interval": quantity.interval,
        }
    return told
