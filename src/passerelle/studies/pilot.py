"""Before the pilot: what a declared study could show, tried on the archive's history before its change.

Nothing from the change on is read, nor of the days on which places may have reacted already. Trust's marks cut nothing
out of the history, since the checks behind them see later rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.lab.panel import Flags, Panel
from passerelle.lab.question import Assignment
from passerelle.lab.trials.placebos import Shape
from passerelle.lab.trials.power import ENOUGH, Power, enlarge, find_power
from passerelle.lake.contract import Selection
from passerelle.model.errors import StudyError
from passerelle.model.interval import parse_time
from passerelle.studies.declared.declaration import Declaration, feeds_of
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Days, Windows
from passerelle.studies.gathered.calendar import local_day, midnight, whole
from passerelle.studies.gathered.cut import MARKS
from passerelle.studies.gathered.facts import locate
from passerelle.studies.gathered.gathering import list_others
from passerelle.studies.gathered.panels import TREATED, Span, fill_panel, list_times, read_span
from passerelle.studies.gathered.seating import seat
from passerelle.studies.gathered.units import ROWS
from passerelle.studies.judging import ask
from passerelle.studies.run import require_leave
from passerelle.studies.told.pilot_answer import Tried, write_pilot, write_short

Progress = Callable[[int, int], None]

_FEWEST = 50
"""Placebo studies of each larger study, at least: they say which would do, not how well."""


@dataclass(frozen=True, slots=True, eq=False)
class _History:
    """The panel before the change (None: too short for one) of the times that begin in `days`, its second excluded;
    and the other changes in force on them."""

    panel: Panel | None
    days: Days
    others: Sequence[Mapping[str, Any]]


def foresee(
    archive: Archive,
    declaration: Declaration,
    studies: int = 500,
    progress: Progress | None = None,
    *,
    settle: bool = True,
) -> dict[str, Any]:
    """Power, the smallest effect shown, what would settle it, and the other changes that interfere; keeps nothing.

    What would settle it takes longer than all else, and is left out where it isn't asked for."""
    study, change, zone = _require_places(declaration), declaration.change.document, archive.city.time_zone
    for name in feeds_of(study):
        require_leave(archive.get_feed(name))
    began = parse_time(change["start"]).astimezone(zone).date()
    ramp = None if change.get("ramp") is None else (began, date.fromisoformat(change["ramp"]))
    times = list_times(study, Span(ramp), zone)
    after = sum(day >= study.windows.after[0] for day in times)
    if not 0 < after < len(times):
        raise StudyError(f"no whole {study.every} is left in a window", where="study.windows")
    with archive.engine.connect() as connection:
        seats = seat(connection, study, change["where"])
        interfering = list_others(connection, study, seats, read_span(study), zone)
        history = _read(archive, connection, study, seats, find_cut(study, began))
    panel = history.panel
    count = 0 if panel is None else len(panel.times)
    tried = Tried(study, seats, history.days, count, (len(times) - after, after), interfering, zone)
    if panel is None or count < after + 2:
        return write_short(tried)
    # At most half of what the history leaves goes before the change, so that there is more than one window to try.
    shape = Shape(_name_treated(study, seats, panel), min(len(times) - after, (count - after) // 2), after)
    disturbed = _find_disturbed(panel, history.others, study, zone)
    undisturbed = _longest(~disturbed) >= shape.length
    excluded = disturbed if undisturbed else np.zeros(count, dtype=bool)
    found, larger = _try(tried, panel, shape, excluded, studies, progress, settle=settle)
    return write_pilot(tried, found, larger, undisturbed=undisturbed)


def find_cut(study: PlacesStudy, began: date) -> date:
    """The first local day that is not read: the change's, a place's first, or one on which they may have reacted."""
    return min(began, study.windows.after[0], *study.treated.first_days.values()) - timedelta(days=study.anticipation)


def _require_places(declaration: Declaration) -> PlacesStudy:
    study = declaration.study
    if not isinstance(study, PlacesStudy):
        told = getattr(study, "design", "parts")
        raise StudyError(
            f"power is told of the design 'places', this study's is {told!r}; `passerelle lab power` takes any panel",
            where="study.design",
        )
    if Assignment.SWITCHBACK in (study.assignment, study.method):
        raise StudyError("power is not told of a switchback; places that keep the change are", where="study.method")
    return study


def _read(archive: Archive, connection: Connection, study: PlacesStudy, seats: pl.DataFrame, cut: date) -> _History:
    zone, every = archive.city.time_zone, study.every
    held = archive.lake.read(Selection(sorted(set(seats["series"])), None, midnight(cut, zone)))
    rows = pl.DataFrame(pl.from_arrow(held)).select(*ROWS)
    end = whole(cut, cut, every)[0]
    first = rows.select(local_day(zone).min()).item() or end
    start, second = whole(first, first, every)
    if second >= end:
        return _History(None, (min(start, end), end), ())
    halfway = start + (end - start) / 2
    middle, day = max(whole(halfway, halfway, every)[0], second), timedelta(days=1)
    # A placebo study may lie anywhere in the history, which is read as two windows beside each other. Each looks itself
    # for places it has every number of; numbers without a logarithm are as not seen, rather than an end of all.
    recast = msgspec.structs.replace(
        study,
        windows=Windows((start, middle - day), (middle, end - day)),
        least_seen=study.least_seen if study.unit == "time" else 0.0,
        scale="level",
    )
    filled = fill_panel(rows, seats, pl.DataFrame(schema=MARKS), recast, Span(), zone)
    panel = filled.panel
    if panel is not None:
        if study.scale == "log":
            panel = panel.with_outcomes(np.log(np.where(panel.outcomes > 0, panel.outcomes, np.nan)))
        begun = _find_begun(panel, _name_treated(study, seats, panel))
        panel, start = panel.select(np.arange(len(panel.units)), slice(begun, None)), filled.firsts[begun]
    return _History(panel, (start, end), list_others(connection, study, seats, (start, end), zone))


def _name_treated(study: PlacesStudy, seats: pl.DataFrame, panel: Panel) -> tuple[str, ...]:
    """The units that will have the change and were seen before it."""
    places = [TREATED] if study.unit == "time" else seats.filter(pl.col("role") == TREATED)["place"].to_list()
    seen = set(np.flatnonzero(np.isfinite(panel.outcomes).any(axis=1)).tolist())
    found = tuple(unit for row, unit in enumerate(panel.units) if row in seen and unit in places)
    if not found:
        raise StudyError("no treated place was seen before the change", where="study.treated")
    return found


def _find_begun(panel: Panel, treated: Sequence[str]) -> int:
    """The first of the panel's times from which every treated unit has been seen."""
    seen = np.isfinite(panel.outcomes[[panel.units.index(one) for one in treated]])
    return int(seen.argmax(axis=1).max())


def _find_disturbed(panel: Panel, others: Sequence[Mapping[str, Any]], study: PlacesStudy, zone: ZoneInfo) -> Flags:
    """The times at which another change was in force; of one that lasts, the time at which it came."""
    found = np.zeros(len(panel.times), dtype=bool)
    for one in others:
        start = locate(parse_time(one["start"]), study.every, zone)
        end = start if one["end"] is None else locate(parse_time(one["end"]), study.every, zone)
        found |= (panel.times >= start) & (panel.times <= end)
    return found


def _longest(free: Flags) -> int:
    """The longest run of times that are free."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(int)))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def _try(
    tried: Tried, panel: Panel, shape: Shape, excluded: Flags, studies: int, progress: Progress | None, *, settle: bool
) -> tuple[Power, list[Power] | None]:
    """The power of the study; and where it isn't enough for the smallest effect, of larger ones for which it is."""
    question, least = ask(tried.study), tried.study.least_seen if tried.study.unit != "time" else 1.0
    tell = progress or (lambda _done, _all: None)

    def find(other: Shape, count: int, report: Progress) -> Power:
        return find_power(
            panel,
            question,
            other,
            tried.sizes,
            studies=count,
            excluded=excluded,
            least_seen=least,
            progress=report,
        )

    found = find(shape, studies, tell)
    if not settle:
        return found, None
    larger = []
    for other in [] if found.shares[0] >= ENOUGH else enlarge(shape, panel):
        try:
            one = find(other, max(studies // 4, _FEWEST), lambda _done, _all: tell(studies, studies))
        except StudyError:
            continue
        if one.shares[0] >= ENOUGH:
            larger.append(one)
    return found, larger
