"""What a study's checks must know beside the numbers, as a JSON document that goes into the bundle, and from there.

- `change_on`, `ramp`: the local day the change began, and the last day of phasing in or null;
- `others`: other changes in force meanwhile, each with `id`, `title`, `start`, `end` (null: still), `geometry`, and the
  `places` of the study that it touches, null where that is all of the city;
- `until`: the day of the look before which all that is used lies, or null;
- `outcomes`: the change's other studies: `study`, `finding`, `p_value`;
- `looks`: shares of the time planned: `planned`, and `taken`, this one and those of earlier findings;
- `definitions` of the `treated` outcome and the `comparison`'s: quantity, unit, statistic, interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.lab.context import Context, Definition, Looks, OtherChange, Picked, SensorMark, Trusted
from passerelle.model.interval import parse_time
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Days, PanelStudy, Stop
from passerelle.studies.gathered.calendar import first_of, number
from passerelle.studies.gathered.panels import COMPARISON, TREATED, Filled
from passerelle.studies.gathered.spells import Spelled
from passerelle.trust.light import BLOCKING_SHARE

Facts = Mapping[str, Any]
_SENSOR_CHECKS = ("level", "places")
"""Trust's checks that tell of a changed, moved or failing sensor."""

_SOONEST = 1e-6


def share_looks(stop: Stop, publish_on: date | None, span: Days, taken: Sequence[date]) -> dict[str, list[float]]:
    """The planned and taken looks as shares of the days from the first of the window after to the last look.

    `span` is the first day of the window after and the day after its last. Where looks were declared, one between
    two of them is the earlier one, since it uses only what was there then (`cut_at`).
    """
    last = stop.looks[-1] if stop.looks else max(publish_on or span[1], span[1])
    length = (last - span[0]).days
    planned = [(one - span[0]).days / length for one in stop.looks] or [1.0]
    shares = {min(1.0, max(_SOONEST, ((cut_at(stop, one) or one) - span[0]).days / length)) for one in taken}
    return {"planned": planned, "taken": sorted(shares)}


def cut_at(stop: Stop, today: date) -> date | None:
    """The day before which all that is used lies: the last declared look's; None where none is over."""
    return max((one for one in stop.looks if one <= today), default=None)


def read_looks(facts: Facts) -> Looks:
    """The looks as the check of peeking takes them."""
    return Looks(tuple(facts["looks"]["planned"]), tuple(facts["looks"]["taken"]))


def read_context(facts: Facts, filled: Filled, marks: pl.DataFrame, study: PlacesStudy, zone: ZoneInfo) -> Context:
    """The facts and marks as the lab's checks take them, for the units and times of the panel."""
    seats, every = filled.seats, study.every
    groups = group_seats(seats, study)
    return Context(
        distances=_read_distances(seats, study),
        near=None if study.spillover is None else study.spillover.metres,
        others=tuple(_touch(one, groups, every, zone) for one in facts["others"]),
        definitions=(Definition(**facts["definitions"][TREATED]), Definition(**facts["definitions"][COMPARISON])),
        sensors=tuple(_list_sensors(marks, groups, every, zone)),
        picked=_read_picked(study),
        trusted=Trusted(
            filled.reds.share, BLOCKING_SHARE, *(filled.reds.cells[name].n_unique() for name in ("time", "series"))
        ),
        looks=read_looks(facts),
        other_p=tuple(one["p_value"] for one in facts["outcomes"]),
    )


def touch_episodes(facts: Facts, spelled: Spelled, zone: ZoneInfo) -> tuple[OtherChange, ...]:
    """The other changes, each with the episodes that have it on some of their days, those around counted, and not on
    others; what was in force on all of them is on both sides of the comparison. All are told as from the episode on.
    """
    found = []
    for other in facts["others"]:
        start = _day_of(other["start"], zone)
        end = date.max if other["end"] is None else _day_of(other["end"], zone)
        had = [[start <= day <= end for day in (*within, *around)] for _, within, around in spelled.pairs]
        touched = np.array([any(days) and not all(days) for days in had])
        found.append(OtherChange(other["id"], touched, 1.0, np.inf))
    return tuple(found)


def _day_of(moment: str, zone: ZoneInfo) -> date:
    return parse_time(moment).astimezone(zone).date()


def group_seats(seats: pl.DataFrame, study: PlacesStudy) -> list[pl.DataFrame]:
    """The seats of each unit of the panel, in its order."""
    if study.unit != "time":
        return [seats[row] for row in range(seats.height)]
    roles = [TREATED] if study.comparison.none else [TREATED, COMPARISON]
    return [seats.filter(pl.col("role") == role) for role in roles]


def _read_distances(seats: pl.DataFrame, study: PlacesStudy) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    found = seats["distance"]
    return None if study.unit == "time" or found.null_count() else found.to_numpy()


def _touch(other: Mapping[str, Any], groups: Sequence[pl.DataFrame], every: str, zone: ZoneInfo) -> OtherChange:
    places = other["places"]
    units = [places is None or bool(group["place"].is_in(places).any()) for group in groups]
    end = np.inf if other["end"] is None else locate(parse_time(other["end"]), every, zone)
    return OtherChange(other["id"], np.array(units), locate(parse_time(other["start"]), every, zone), end)


def locate(moment: datetime, every: str, zone: ZoneInfo) -> float:
    """The time of the panel in which `moment` lies."""
    day = pl.DataFrame({"day": [moment.astimezone(zone).date()]}).select(first_of(pl.col("day"), every))
    return number(day.item(), every)


def _list_sensors(marks: pl.DataFrame, groups: Sequence[pl.DataFrame], every: str, zone: ZoneInfo) -> list[SensorMark]:
    told = marks.filter(pl.col("check").is_in(_SENSOR_CHECKS))
    return [
        SensorMark(unit, locate(start, every, zone))
        for unit, group in enumerate(groups)
        for start in told.filter(pl.col("series").is_in(group["series"].implode()))["start"].sort()
    ]


def _read_picked(study: PanelStudy) -> Picked | None:
    if study.picked is None or study.picked.by_outcome_of is None or not isinstance(study, PlacesStudy):
        return None
    first, last = study.picked.by_outcome_of
    days = pl.DataFrame({"day": [first, last]}).select(first_of(pl.col("day"), study.every))["day"]
    return Picked(number(days[0], study.every), number(days[1], study.every) + 1)
