"""From a study and its rows to a judged result: the pure part of a run, the same here and at whoever verifies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from passerelle.lab.checks.comparison_moved import check_comparison_moved
from passerelle.lab.checks.dependence import check_dependence
from passerelle.lab.checks.placebo_dates import check_placebo_dates, estimate_placebos
from passerelle.lab.checks.pre_trend import NAME as PRE_TREND
from passerelle.lab.checks.pre_trend import check_pre_trend
from passerelle.lab.checks.too_few_units import check_too_few_units
from passerelle.lab.checks.trust import check_trust
from passerelle.lab.estimators.did_blocks import estimate_did, fit_did
from passerelle.lab.paired import Paired
from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Outcome, Result
from passerelle.lab.verdict import Judgement, judge
from passerelle.studies.parts import PartsStudy
from passerelle.studies.units import Units, count_units
from passerelle.studies.windows import Window, count_separate, pair, place_placebos, select_windows
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
) -> Evaluation:
    """The study's result on `rows` (columns of `units.ROWS`), every check run, and the verdict.

    What `marks` (columns of `cut.MARKS`) say is red is cut out before; without them trust isn't asked.
    """
    tell = progress or _silent
    units = count_units(rows, study, zone, marks)
    tell(1, 4)
    history = pair(units, study)
    window = select_windows(history, study)
    data = history.select(*window)
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
    )
    smallest = math.log1p(study.smallest_effect / 100)
    judgement = judge(result, study.wanted, (math.log1p(-study.smallest_effect / 100), smallest))
    tell(4, 4)
    return Evaluation(units, history, window, fit_did(data), result, judgement, tuple(placebos), effects)


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
