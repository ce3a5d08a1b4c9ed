"""From a study of places or episodes and its rows to a judged result: the pure part of a run, here and at whoever
verifies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.lab.analysis import Analysis, analyse
from passerelle.lab.checks.placebo_dates import check_placebo_dates
from passerelle.lab.context import Context, Trusted
from passerelle.lab.methods import METHODS, choose
from passerelle.lab.panel import Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Check, Result
from passerelle.lab.verdict import judge
from passerelle.model.errors import InvalidValueError, StudyError
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import PanelStudy
from passerelle.studies.gathered.facts import Facts, read_context, read_looks, touch_episodes
from passerelle.studies.gathered.panels import Filled, Span, count_times, fill_panel
from passerelle.studies.gathered.spells import Spelled, spell
from passerelle.trust.light import BLOCKING_SHARE

Progress = Callable[[int, int], None]
_YEAR_DAYS = 365.25
_FEWEST_PLACEBOS, _MOST_PLACEBOS = 4, 40
_PLACEBO_METHODS = ("did", "twfe", "cs", "sc", "asc", "sdid")


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another method's answer, or why it has none."""

    method: str
    result: Result | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A study's judged result with what it was made from; `analysis` is None where nothing was left to compare."""

    made: Filled | Spelled
    analysis: Analysis | None
    alternatives: tuple[Alternative, ...] = ()


def judge_places(
    rows: pl.DataFrame,
    seats: pl.DataFrame,
    marks: pl.DataFrame,
    facts: Facts,
    study: PlacesStudy,
    zone: ZoneInfo,
    progress: Progress | None = None,
) -> Judged:
    """The result on `rows` (columns of `units.ROWS`) of the places of `seats` (columns of `panels.SEATS`)."""
    filled = fill_panel(rows, seats, marks, study, read_span(facts), zone)
    return judge_filled(filled, marks, facts, study, zone, progress)


def judge_filled(
    filled: Filled,
    marks: pl.DataFrame,
    facts: Facts,
    study: PlacesStudy,
    zone: ZoneInfo,
    progress: Progress | None = None,
) -> Judged:
    """The result on a panel that is made already."""
    if filled.panel is None:
        return Judged(filled, None)
    question = ask(study)
    context = read_context(facts, filled, marks, study, zone)
    analysis = analyse(filled.panel, question, context, progress)
    others = [_try(name, analysis.panel, question) for name in study.alternatives]
    shown = tuple(one for one in others if one.method != analysis.choice.method)
    return Judged(filled, analysis, shown)


def judge_episodes(
    rows: pl.DataFrame,
    marks: pl.DataFrame,
    facts: Facts,
    study: EpisodesStudy,
    zone: ZoneInfo,
    progress: Progress | None = None,
) -> Judged:
    """The result on `rows` of all places together."""
    return judge_spelled(spell(rows, marks, study, zone, _cut(facts)), facts, study, zone, progress)


def judge_spelled(
    spelled: Spelled, facts: Facts, study: EpisodesStudy, zone: ZoneInfo, progress: Progress | None = None
) -> Judged:
    """The result on episodes that are counted already."""
    if spelled.panel is None:
        return Judged(spelled, None)
    trusted = Trusted(spelled.cut.share, BLOCKING_SHARE, spelled.cut.units.len(), len(spelled.cut.series))
    other_p = tuple(one["p_value"] for one in facts["outcomes"])
    question = ask(study)
    others = touch_episodes(facts, spelled, zone)
    context = Context(others=others, trusted=trusted, looks=read_looks(facts), other_p=other_p)
    analysis = analyse(spelled.panel, question, context, progress)
    result = analysis.result.with_checks(_check_moved(analysis.result, spelled))
    judgement = judge(result, question.wanted, question.smallest)
    # What the declaration counts as a unit leaves no other method: nobody asked for this one by name.
    choice = replace(analysis.choice, reason="episodes_declared")
    return Judged(spelled, replace(analysis, choice=choice, result=result, judgement=judgement))


def read_span(facts: Facts) -> Span:
    """What the change's own dates and the look leave out."""
    ramp = facts["ramp"] and (date.fromisoformat(facts["change_on"]), date.fromisoformat(facts["ramp"]))
    return Span(ramp, _cut(facts))


def _cut(facts: Facts) -> date | None:
    return None if facts["until"] is None else date.fromisoformat(facts["until"])


def ask(study: PanelStudy) -> Question:
    """The study's question to the lab."""
    smallest = study.smallest_effect
    logs = (math.log1p(-smallest / 100), math.log1p(smallest / 100)) if study.scale == "log" else (-smallest, smallest)
    common = Question(study.wanted, logs, study.level, method="episodes", seed=study.seed)
    if not isinstance(study, PlacesStudy):
        return common
    return replace(
        common,
        method=study.method,
        assignment=study.assignment,
        anticipation=count_times(study.anticipation, study.every),
        seasons=tuple(_season(name, study) for name in study.seasons),
    )


def _season(name: str, study: PlacesStudy) -> float:
    lengths = {"week": 7.0, "year": _YEAR_DAYS}
    return {"day": lengths[name], "week": lengths[name] / 7, "month": 12.0, "year": 1.0}[study.every]


def _try(name: str, panel: Panel, question: Question) -> Alternative:
    try:
        asked = replace(question, method=name)
        return Alternative(name, METHODS[choose(panel, asked).method](panel, asked))
    except (StudyError, InvalidValueError) as error:
        return Alternative(name, None, str(error))


def place_placebos(analysis: Analysis) -> Iterator[tuple[int, float]]:
    """The first comparison units (rows of the panel), each with the effect had the change come to it."""
    panel, choice = analysis.panel, analysis.choice.method
    others = np.flatnonzero(~panel.treated)
    if choice not in _PLACEBO_METHODS or len(others) < _FEWEST_PLACEBOS:
        return
    left = panel.select(others)
    for at in range(min(len(others), _MOST_PLACEBOS)):
        first = np.full(len(others), np.inf)
        first[at] = panel.starts[0]
        shown = _try(choice, left.with_first(first), analysis.question).result
        if shown is not None:
            yield int(others[at]), shown.effect


def _check_moved(result: Result, spelled: Spelled) -> Check:
    """Whether the same spells at other dates show as much."""
    return check_placebo_dates(result, placebo_effects(spelled), count_separate(spelled))


def count_separate(spelled: Spelled) -> int:
    """How many placebos share no day with another: whole lengths of the episodes' span."""
    if not spelled.placebos or not spelled.pairs:
        return 0
    length = (spelled.pairs[-1][0][1] - spelled.pairs[0][0][0]).days + 1
    count, free = 0, None
    for day, _ in spelled.placebos:
        if free is None or (day - free).days >= 0:
            count, free = count + 1, date.fromordinal(day.toordinal() + length)
    return count


def placebo_effects(spelled: Spelled) -> Floats:
    """The effect at each moved date, on the study's scale."""
    return np.array([float((two[:, 1] - two[:, 0]).mean()) for _, two in spelled.placebos])
