"""A study too small for its method has an estimate, no verdict, and says why."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pytest

from passerelle.lab.result import Outcome
from passerelle.studies.bundle.bundle import unpack_bundle as unpack
from passerelle.studies.bundle.recomputing import read_rows
from passerelle.studies.declared.parts import PartsStudy, Placebo
from passerelle.studies.declared.terms import Stop, Windows
from passerelle.studies.evaluate import Evaluation, evaluate, look
from passerelle.studies.gathered.units import read_span

from .conftest import Case

ZONE = ZoneInfo("Europe/Paris")
CHANGE = date(2022, 5, 9)


def study_of(case: Case, days: int) -> PartsStudy:
    """The curfew's study moved to as many days before and after a Monday of 2022, placebos from January on."""
    before = (CHANGE - timedelta(days=days), CHANGE - timedelta(days=1))
    week = (1, 2, 3, 4, 5, 6, 7)
    return msgspec.structs.replace(
        case.declaration.study,
        treated=msgspec.structs.replace(case.declaration.study.treated, weekdays=week),
        comparison=msgspec.structs.replace(case.declaration.study.comparison, weekdays=week),
        windows=Windows(before, (CHANGE, CHANGE + timedelta(days=days - 1))),
        placebo=Placebo("consecutive", (date(2022, 1, 1), before[1])),
        adjust_for=(),
    )


def judged(study: PartsStudy, effect: float) -> Evaluation:
    """The study on synthetic hours, 100 each with noise; the share `effect` is added to evenings from the change on."""
    start, end = read_span(study, ZONE)
    starts = pl.datetime_range(start, end, "1h", closed="left", time_zone="UTC", eager=True).dt.cast_time_unit("us")
    clock = starts.dt.convert_time_zone(ZONE.key)
    evening = clock.dt.hour().is_in([18, 19]) & (clock.dt.date() >= CHANGE)
    noise = np.random.default_rng(11).normal(100, 5, len(starts))
    values = noise * np.where(evening.to_numpy(), 1 + effect, 1)
    rows = pl.DataFrame({"series": [1] * len(starts), "start": starts, "value": values})
    return evaluate(rows, study, ZONE)


def test_ten_days_are_too_few(paris: Case) -> None:
    """Synthetic: halved from one day to the next, but with ten days on each side no verdict is given."""
    found = judged(study_of(paris, 10), -0.5)
    assert found.result.effect == pytest.approx(np.log(0.5), abs=0.05)
    assert (found.judgement.verdict.value, found.judgement.blocked_by) == ("cannot_tell_yet", ("too_few_units",))


@pytest.mark.parametrize(("effect", "verdict"), [(-0.3, "fell"), (0.4, "rose"), (0.0, "no_effect_shown")])
def test_a_known_effect_is_found(paris: Case, effect: float, verdict: str) -> None:
    """Synthetic: what was put into the evenings comes out within the interval, with its verdict and every check run."""
    found = judged(study_of(paris, 28), effect)
    low, high = found.result.interval
    assert low < np.log1p(effect) < high
    assert found.judgement.verdict.value == verdict
    assert len(found.result.checks) == 5
    assert Outcome.FAILED not in {check.outcome for check in found.result.checks}


def test_progress_is_told(paris: Case) -> None:
    """Whoever asks is told how far the run is, to the end."""
    told: list[tuple[int, int]] = []
    study = study_of(paris, 14)
    start, end = read_span(study, ZONE)
    starts = pl.datetime_range(start, end, "1h", closed="left", time_zone="UTC", eager=True).dt.cast_time_unit("us")
    noise = np.random.default_rng(12).normal(100, 5, len(starts))
    evaluate(pl.DataFrame({"series": 1, "start": starts, "value": noise}), study, ZONE, lambda *at: told.append(at))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_finding_before_its_day_is_peeking(paris: Case) -> None:
    """Published from 8 March 2021 on: on 6 February, the window after being over, it was no look that was planned."""
    study = msgspec.structs.replace(paris.declaration.study, publish_on=date(2021, 3, 8))
    held = read_rows(unpack(paris.bundle)["rows.csv"])
    outcomes = {}
    for day in (date(2021, 2, 6), date(2021, 3, 8)):
        found = evaluate(held, study, ZONE, looks=look(study, [day]))
        outcomes[day.month] = (
            found.result.checks[-1].name,
            found.result.checks[-1].outcome,
            found.judgement.blocked_by,
        )
    assert outcomes == {
        2: ("peeking", Outcome.FAILED, ("peeking",)),
        3: ("peeking", Outcome.PASSED, ()),
    }


def test_a_declared_look_uses_only_what_was_there(paris: Case) -> None:
    """At a look on 1 February only the ten working days from 18 to 29 January are after the change."""
    looks = Stop("looks", (date(2021, 2, 1), date(2021, 2, 6)))
    study = msgspec.structs.replace(paris.declaration.study, stop=looks)
    held = read_rows(unpack(paris.bundle)["rows.csv"])
    found = evaluate(held, study, ZONE, looks=look(study, [date(2021, 2, 3)]))
    assert int(found.compared[1].sum()) == 10
    assert found.result.checks[-1].name == "peeking"
    assert found.result.checks[-1].numbers["planned"] == 2
