"""Runs a study of places or episodes from the archive to an unsigned finding and the tables of its bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed, Redistribute
from passerelle.studies.bundle.bundle import FACTS_FILE, ROWS_FILE, SEATS_FILE, TRUST_FILE, write_marks, write_rows
from passerelle.studies.bundle.canonical import canonical
from passerelle.studies.bundle.panel_tables import write_seats, write_tables
from passerelle.studies.declared.declaration import PanelDesign
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.gathered.gathering import Gathered, gather
from passerelle.studies.gathered.origins import describe_origins
from passerelle.studies.gathered.panels import Filled
from passerelle.studies.gathered.trusted import describe_cut, describe_reds
from passerelle.studies.judging import Judged, Progress, judge_episodes, judge_places
from passerelle.studies.told.panel_finding import write_panel_finding
from passerelle.trust.light import BLOCKING_SHARE


@dataclass(frozen=True, slots=True)
class Run:
    """The unsigned finding, and the files of data that its bundle holds."""

    document: dict[str, Any]
    tables: Mapping[str, bytes]


def run_panel(
    archive: Archive,
    sealed: Mapping[str, Any],
    study: PanelDesign,
    change: Mapping[str, Any],
    feeds: list[Feed],
    now: datetime,
    progress: Progress | None = None,
) -> Run:
    """What the archive says now of the study of `change`, a change's document."""
    found = gather(archive, study, change, now)
    zone = archive.city.time_zone
    if isinstance(study, PlacesStudy):
        judged = judge_places(found.rows, found.seats, found.marks, found.facts, study, zone, progress)
    else:
        judged = judge_episodes(found.rows, found.marks, found.facts, study, zone, progress)
    rows = write_rows(found.rows)
    tables = {
        **write_tables(judged.made),
        SEATS_FILE: write_seats(found.seats, judged.made),
        TRUST_FILE: write_marks(found.marks),
        FACTS_FILE: canonical(found.facts),
    }
    if all(feed.redistribute is Redistribute.YES for feed in feeds):
        tables[ROWS_FILE] = rows
    document = write_panel_finding(
        sealed,
        study,
        judged,
        found.facts,
        data=describe_origins(found.held, _used(judged), found.series),
        trust=_describe_trust(found, judged),
        rows_sha256=hashlib.sha256(rows).hexdigest(),
        city=archive.city.id,
        time_zone=zone.key,
        computed_at=now,
    )
    return Run(document, tables)


def _used(judged: Judged) -> list[int]:
    made = judged.made
    return made.seats["series"].to_list() if isinstance(made, Filled) else list(made.places)


def _describe_trust(found: Gathered, judged: Judged) -> dict[str, Any]:
    made = judged.made
    if isinstance(made, Filled):
        return describe_reds(made.reds, BLOCKING_SHARE, found.marked, found.series)
    wanted = {*made.places, *made.cut.series}
    inside = [(series, mark) for series, mark in found.marked if series in wanted]
    return describe_cut(made.cut, BLOCKING_SHARE, inside, found.series)
