"""Which checks are run on which method's results: by the design, never by the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from passerelle.lab.case import Case
from passerelle.lab.checks.anticipation import check_anticipation
from passerelle.lab.checks.changed_sensor import check_changed_sensor
from passerelle.lab.checks.definitions import check_definitions
from passerelle.lab.checks.leave_one_out import check_leave_one_out
from passerelle.lab.checks.overlap import check_overlap
from passerelle.lab.checks.peeking import check_peeking
from passerelle.lab.checks.placebo_dates import check_dates
from passerelle.lab.checks.placebo_places import check_placebo_places
from passerelle.lab.checks.pre_fit import check_pre_fit
from passerelle.lab.checks.pre_trend import check_drift
from passerelle.lab.checks.regression_to_mean import check_regression_to_mean
from passerelle.lab.checks.several_outcomes import check_several_outcomes
from passerelle.lab.checks.spillover import check_spillover
from passerelle.lab.checks.too_few_units import check_inference
from passerelle.lab.checks.trust import check_trusted
from passerelle.lab.result import Check

CheckCase = Callable[[Case], Check]

CHECKS: Mapping[str, CheckCase] = {
    "trust": check_trusted,
    "definitions": check_definitions,
    "overlap": check_overlap,
    "changed_sensor": check_changed_sensor,
    "too_few_units": check_inference,
    "pre_fit": check_pre_fit,
    "pre_trend": check_drift,
    "anticipation": check_anticipation,
    "regression_to_mean": check_regression_to_mean,
    "placebo_dates": check_dates,
    "placebo_places": check_placebo_places,
    "leave_one_out": check_leave_one_out,
    "spillover": check_spillover,
    "several_outcomes": check_several_outcomes,
    "peeking": check_peeking,
}
"""The checks of panels by name, in the order they are told."""

_RECORDS = ("trust", "overlap", "too_few_units", "several_outcomes", "peeking")
_BESIDE = ("definitions", "changed_sensor", "leave_one_out", "spillover")
_BEFORE = ("placebo_dates", "regression_to_mean")
_PARALLEL = ("pre_trend", "anticipation", "placebo_places")
_DIFFERENCES = (*_RECORDS, *_BESIDE, *_BEFORE, *_PARALLEL)
_SYNTHETIC = (*_RECORDS, *_BESIDE, *_BEFORE, "placebo_places")

CHECKS_OF: Mapping[str, tuple[str, ...]] = {
    "did": _DIFFERENCES,
    "twfe": _DIFFERENCES,
    "cs": _DIFFERENCES,
    "sc": (*_SYNTHETIC, "pre_fit"),
    "asc": (*_SYNTHETIC, "pre_fit"),
    "sdid": _SYNTHETIC,
    "its": (*_RECORDS, *_BEFORE, "changed_sensor"),
    "cluster_randomised": (*_RECORDS, "definitions", "changed_sensor", "spillover"),
    "switchback": _RECORDS,
    "episodes": _RECORDS,
}
"""The checks of each method; what lots were drawn for needs no placebo, its inference is one."""

COMPARES = ("did", "twfe", "cs", "sc", "asc", "sdid", "cluster_randomised")
"""The methods that look at units without the change."""


def run_checks(case: Case, progress: Callable[[int], None]) -> tuple[Check, ...]:
    """Every check of the case's method, in the order of `CHECKS`; `progress` is told how many are done."""
    names = [name for name in CHECKS if name in CHECKS_OF[case.result.method]]
    done = []
    for name in names:
        done.append(CHECKS[name](case))
        progress(len(done))
    return tuple(done)
