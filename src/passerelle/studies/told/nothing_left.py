"""The finding of a study of two parts of which nothing is left to compare: it says so, instead of an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from passerelle.lab.verdict import Verdict
from passerelle.studies.bundle.bundle import MATRIX
from passerelle.studies.declared.declaration import Study
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.told.finding import identify
from passerelle.studies.told.sentence import NOTHING_LEFT, write_nothing_left
from passerelle.studies.told.told import tell_declared
from passerelle.studies.told.words import texts

EMPTY_TABLES = {MATRIX: b"day,treated,comparison,outcome,level,after\n"}
"""The design matrix of nothing."""


def judge_nothing(study: Study) -> dict[str, Any]:
    """What a finding says where nothing was left: no verdict, what would settle it, and no number."""
    return {
        "verdict": Verdict.CANNOT_TELL_YET.value,
        "blocked_by": [NOTHING_LEFT],
        "reasons": [{"code": NOTHING_LEFT, "text": dict(texts()["blocked"][NOTHING_LEFT])}],
        "effect": None,
        "estimate": None,
        "sentence": write_nothing_left(study),
        "method": None,
        "assumptions": [],
        "checks": [],
    }


def write_empty_finding(
    sealed: Mapping[str, Any],
    study: PartsStudy,
    trust: Mapping[str, Any],
    *,
    rows_sha256: str,
    change_at: date,
    city: str,
    time_zone: str,
    computed_at: datetime,
) -> dict[str, Any]:
    """The unsigned document: `cannot_tell_yet`, `blocked_by` `nothing_left`, without effect, checks and chart."""
    absent: dict[str, list[Any]] = {
        name: []
        for name in ("times", "treated", "comparison", "counterfactual", "counterfactual_low", "counterfactual_high")
    }
    windows = {"before": study.windows.before, "after": study.windows.after}
    content = {
        **tell_declared(sealed, study),
        **judge_nothing(study),
        "city": city,
        "time_zone": time_zone,
        "chart": {
            "unit": study.outcome.title.both,
            "change_at": change_at.isoformat(),
            "windows": {name: [day.isoformat() for day in days] for name, days in windows.items()},
            "labels": {"treated": study.treated.label.both, "comparison": study.comparison.label.both},
            **absent,
        },
        "placebos": [],
        "data": [],
        "trust": dict(trust),
        "rows_sha256": rows_sha256,
        "units": dict(texts()["unit"][study.unit]),
        "n": {"before": 0, "after": 0, "series": 0, "series_left_out": 0},
    }
    return identify(study.id, content, computed_at)
