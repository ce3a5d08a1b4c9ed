"""From a study and its rows to a judged result: the pure part of a run, the same here and at whoever verifies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl

from passerelle.lab.case import Case
from passerelle.lab.checks.comparison_moved import check_comparison_moved
from passerelle.lab.checks.dependence import check_dependence
from passerelle.lab.checks.peeking import check_peeking
from passerelle.lab.checks.placebo_dates import check_placebo_dates, estimate_placebos
from passerelle.lab.checks.pre_trend import NAME as PRE_TREND
from passerelle.lab.checks.pre_trend import check_pre_trend
from passerelle.lab.checks.too_few_units import check_too_few_units
from passerelle.lab.checks.trust import check_trust
from passerelle.lab.context import Context
from passerelle.lab.estimators.did_blocks import FEWEST_TIMES, estimate_did, fit_did
from passerelle.lab.paired import Paired
from passerelle.lab.panel import Floats, panel
from passerelle.lab.question import Question
from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.verdict import Judgement, judge
from passerelle.model.errors import NothingLeftError
from passerelle.studies.declared.change import Text
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.declared.terms import Exclusion, Stop
from passerelle.studies.gathered.facts import Facts, cut_at, read_looks, share_looks
from passerelle.studies.gathered.units import COMPARISON, TREATED, Units, count_units
from passerelle.studies.gathered.windows import Window, count_separate, pair, place_placebos, select_windows
from passerelle.trust.light import BLOCKING_SHARE

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A study's judged result with what it was made from; effects are differences of logarithms."""

    units: Units
    history: Paired
    compared: Window
    coefficients: Floats
    result: Result
    judgement: Judgement
    placebos: tuple[Window, ...]
    placebo_effects: Floats


def evaluate(
    rows: pl.DataFrame,
    study: PartsStudy,
    zone: ZoneInfo,
    progress: Progress | None = None,
    *,
    marks: pl.DataFrame | None = None,
    looks: Facts | None = None,
) -> Evaluation:
    """The study's result on `rows` (columns of `units.ROWS`), every check run, and the verdict.

    What `marks` (columns of `cut.MARKS`) say is red is cut out before; without them trust isn't asked. `looks` are
    those of a study that declared them (`look`). `NothingLeftError` where nothing is left to compare.
    """
    study = leave_out_later(study, looks)
    tell = progress or _silent
    units = count_units(rows, study, zone, marks)
    tell(1, 4)
    history = pair(units, study)
    window = select_windows(history, study)
    data = history.select(*window)
    if units.cut is not None and min((~data.after).sum(), data.after.sum()) < FEWEST_TIMES:
        raise NothingLeftError("too few units are left of a window", where="windows", left=units.cut)
    estimate = estimate_did(data, study.level)
    tell(2, 4)
    placebos = place_placebos(history, study)
    effects = estimate_placebos(history, placebos)
    tell(3, 4)
    result = estimate.with_checks(
        *_check_trust(units),
        check_too_few_units(data.after),
        check_dependence(data),
        _check_pre_trend(data, estimate, study),
        check_placebo_dates(estimate, effects, count_separate(placebos)),
        check_comparison_moved(data, estimate),
        *_check_looks(data, estimate, study, looks),
    )
    smallest = math.log1p(study.smallest_effect / 100)
    judgement = judge(result, study.wanted, (math.log1p(-study.smallest_effect / 100), smallest))
    tell(4, 4)
    return Evaluation(units, history, window, fit_did(data), result, judgement, tuple(placebos), effects)


def look(study: PartsStudy, days: Sequence[date]) -> Facts | None:
    """The looks planned and taken on `days`, the last one now, and the day before which all that is used lies.

    None where the study declared neither looks nor a day of publication.
    """
    if study.stop is None and study.publish_on is None:
        return None
    stop = study.stop or Stop("fixed")
    span = study.windows.after[0], study.windows.after[1] + timedelta(days=1)
    until = cut_at(stop, days[-1])
    return {**share_looks(stop, study.publish_on, span, days), "until": None if until is None else until.isoformat()}


def leave_out_later(study: PartsStudy, looks: Facts | None) -> PartsStudy:
    """The study without what came from the day of the look on."""
    if looks is None or looks["until"] is None:
        return study
    until = date.fromisoformat(looks["until"])
    if until > study.windows.after[1]:
        return study
    later = Exclusion(until, study.windows.after[1], Text("later than this look", "après ce regard"))
    return msgspec.structs.replace(study, exclude=(*study.exclude, later))


def _check_looks(data: Paired, result: Result, study: PartsStudy, looks: Facts | None) -> tuple[Check, ...]:
    if looks is None:
        return ()
    smallest = (math.log1p(-study.smallest_effect / 100), math.log1p(study.smallest_effect / 100))
    question = Question(study.wanted, smallest, study.level)
    context = Context(looks=read_looks({"looks": looks}))
    first = np.array([data.times[data.after][0], np.inf])
    seen = panel((TREATED, COMPARISON), data.times, np.array([data.treated, data.comparison]), first)
    return (check_peeking(Case(seen, question, context, result, lambda *_: result)),)


def _check_trust(units: Units) -> tuple[Check, ...]:
    if units.cut is None:
        return ()
    return (check_trust(units.cut.share, BLOCKING_SHARE, times=units.cut.units.len(), units=len(units.cut.series)),)


def _check_pre_trend(data: Paired, result: Result, study: PartsStudy) -> Check:
    if study.placebo.scheme == "calendar":
        return Check(PRE_TREND, Outcome.NOT_APPLICABLE, "other_season")
    return check_pre_trend(data, result)


def _silent(_done: int, _all: int) -> None:
    """Nobody asked to be told."""
