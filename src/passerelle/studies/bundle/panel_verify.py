"""Computes a bundle on places or episodes again: from its rows where it has them, else from its design matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from passerelle.model.series import format_series_id
from passerelle.studies.bundle.bundle import FACTS_FILE, MATRIX, ROWS_FILE, SEATS_FILE, TRUST_FILE
from passerelle.studies.bundle.panel_tables import read_filled, read_seats, read_spelled, write_tables
from passerelle.studies.bundle.recomputing import compare_estimate, compare_share, read_marks, read_rows
from passerelle.studies.declared.declaration import PanelDesign
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.gathered.panels import Filled
from passerelle.studies.judging import Judged, judge_episodes, judge_filled, judge_places, judge_spelled
from passerelle.studies.told.sentence import NOTHING_LEFT, write_nothing_left, write_sentence


def recompute_panel(files: Mapping[str, bytes], finding: Mapping[str, Any], study: PanelDesign) -> Iterator[str]:
    """What of the finding does not follow from the bundle's tables."""
    yield from _compare(finding, _judge_matrix(files, finding, study), study, MATRIX)
    if ROWS_FILE not in files:
        return
    judged = _judge_rows(files, finding, study)
    yield from _compare(finding, judged, study, ROWS_FILE)
    yield from _compare_trust(finding["trust"], judged)
    for name, body in write_tables(judged.made).items():
        if files[name] != body:
            yield f"{name} does not follow from {ROWS_FILE}"


def _judge_matrix(files: Mapping[str, bytes], finding: Mapping[str, Any], study: PanelDesign) -> Judged:
    facts, trust = json.loads(files[FACTS_FILE]), finding["trust"]
    zone = ZoneInfo(finding["time_zone"])
    if isinstance(study, PlacesStudy):
        return judge_filled(read_filled(files, trust, study), read_marks(files[TRUST_FILE]), facts, study, zone)
    return judge_spelled(read_spelled(files, trust, study), facts, study, zone)


def _judge_rows(files: Mapping[str, bytes], finding: Mapping[str, Any], study: PanelDesign) -> Judged:
    facts, marks, zone = json.loads(files[FACTS_FILE]), read_marks(files[TRUST_FILE]), ZoneInfo(finding["time_zone"])
    rows = read_rows(files[ROWS_FILE])
    if isinstance(study, PlacesStudy):
        return judge_places(rows, read_seats(files[SEATS_FILE]).drop("used"), marks, facts, study, zone)
    return judge_episodes(rows, marks, facts, study, zone)


def _compare(finding: Mapping[str, Any], judged: Judged, study: PanelDesign, source: str) -> Iterator[str]:
    analysis = judged.analysis
    if analysis is None:
        if finding["blocked_by"] != [NOTHING_LEFT] or finding["sentence"] != write_nothing_left(study):
            yield f"nothing to compare follows from {source}, and the finding says more"
        return
    if finding["estimate"] is None:
        yield f"a result follows from {source}, and the finding has none"
        return
    result, judgement = analysis.result, analysis.judgement
    yield from compare_estimate(finding["estimate"], result, source)
    if judgement.verdict.value != finding["verdict"] or list(judgement.blocked_by) != finding["blocked_by"]:
        yield f"the verdict that follows from {source} is {judgement.verdict.value}, not {finding['verdict']}"
    if [check.outcome.value for check in result.checks] != [one["outcome"] for one in finding["checks"]]:
        yield f"the checks come out differently from {source}"
    if write_sentence(judgement, result, study) != finding["sentence"]:
        yield f"the sentence is not the one that follows from {source}"
    for one, claimed in zip(judged.alternatives, finding["alternatives"], strict=True):
        if one.result is not None:
            yield from compare_estimate(claimed["estimate"], one.result, f"{source} by {one.method}")


def _compare_trust(claimed: Mapping[str, Any], judged: Judged) -> Iterator[str]:
    made = judged.made
    if isinstance(made, Filled):
        series, share, light = made.reds.cells["series"].unique().sort().to_list(), made.reds.share, made.reds.light
    else:
        series, share, light = list(made.cut.series), made.cut.share, made.cut.light
    found = {"light": light.value, "series": [format_series_id(number) for number in series]}
    for name, value in found.items():
        if claimed[name] != value:
            yield f"the {name} that follow from {TRUST_FILE} are {value}, claimed {claimed[name]}"
    yield from compare_share(claimed["red_share"], share)
