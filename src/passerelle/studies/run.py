"""Runs a declared study from the archive to a signed finding."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import polars as pl

from passerelle.archive.archive import Archive
from passerelle.feeds.feed import Feed, Redistribute
from passerelle.lake.contract import Selection
from passerelle.model.errors import NothingLeftError, RedistributionError, StudyError, UnknownNameError
from passerelle.model.interval import parse_time
from passerelle.registry.changes import get_change
from passerelle.registry.database import writing
from passerelle.registry.findings import get_finding, list_findings, put_finding
from passerelle.registry.series import StoredSeries, list_series
from passerelle.registry.trust import StoredMark
from passerelle.studies.bundle.bundle import TRUST_FILE, pack_bundle, write_bundle, write_marks, write_rows
from passerelle.studies.declared.declaration import feeds_of, read_study
from passerelle.studies.declared.declaring import read_sealed
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.evaluate import Progress, evaluate, look
from passerelle.studies.gathered.cut import Cut
from passerelle.studies.gathered.origins import describe_origins
from passerelle.studies.gathered.trusted import describe_cut, read_marks, require_alike, tabulate
from passerelle.studies.gathered.units import ROWS, read_span, read_windows
from passerelle.studies.panel_run import run_panel
from passerelle.studies.told.finding import sign_finding, write_finding
from passerelle.studies.told.nothing_left import EMPTY_TABLES, write_empty_finding
from passerelle.trust.light import BLOCKING_SHARE

_MOST_SERIES = 100_000


def run_study(archive: Archive, study_id: str, progress: Progress | None = None) -> dict[str, Any]:
    """The study's finding from what the archive holds now; the stored one where nothing has changed since."""
    with archive.engine.connect() as connection:
        sealed = read_sealed(connection, study_id)
        change = get_change(connection, sealed["change"])
    study = read_study(sealed["declaration"])
    feeds = [require_leave(archive.get_feed(name)) for name in feeds_of(study)]
    if not isinstance(study, PartsStudy):
        found = run_panel(archive, sealed, study, change, feeds, datetime.now(UTC), progress)
        return _keep_new(archive, found.document, lambda signed: pack_bundle(signed, found.tables, feeds, archive.key))
    return _run_parts(archive, sealed, study, parse_time(change["start"]), feeds[0], progress)


def _run_parts(
    archive: Archive,
    sealed: Mapping[str, Any],
    study: PartsStudy,
    change_at: datetime,
    feed: Feed,
    progress: Progress | None,
) -> dict[str, Any]:
    series = _list_outcome(archive, study)
    held = _read(archive, study, series)
    require_alike(held, series)
    rows, now, zone = held.select(*ROWS), datetime.now(UTC), archive.city.time_zone
    marks = read_marks(archive, feed.id, series, *read_span(study, zone))
    table = tabulate(marks)
    about: dict[str, Any] = {
        "change_at": change_at.astimezone(zone).date(),
        "rows_sha256": hashlib.sha256(write_rows(rows)).hexdigest(),
        "city": archive.city.id,
        "time_zone": zone.key,
        "computed_at": now,
    }
    looks = look(study, _list_looks(archive, study.id, now))
    try:
        evaluation = evaluate(rows, study, zone, progress, marks=table, looks=looks)
    except NothingLeftError as error:
        trust = _describe_trust(cast(Cut, error.left), [], study, archive, marks, series)
        empty = write_empty_finding(sealed, study, trust, **about)
        tables = {**EMPTY_TABLES, TRUST_FILE: write_marks(table)}
        return _keep_new(archive, empty, lambda signed: pack_bundle(signed, tables, [feed], archive.key))
    cut = evaluation.units.cut
    assert cut is not None  # noqa: S101  marks were given
    trust = _describe_trust(cut, evaluation.units.series, study, archive, marks, series)
    document = write_finding(
        sealed, study, evaluation, describe_origins(held, evaluation.units.series, series), trust, looks=looks, **about
    )
    return _keep_new(archive, document, lambda signed: write_bundle(signed, evaluation, rows, table, feed, archive.key))


def _list_looks(archive: Archive, study_id: str, now: datetime) -> list[date]:
    """The local days on which the study was run before, and today."""
    with archive.engine.connect() as connection:
        earlier = list_findings(connection, study=study_id, limit=1000)
    times = [*(parse_time(one["computed_at"]) for one in reversed(earlier)), now]
    return [one.astimezone(archive.city.time_zone).date() for one in times]


def require_leave(feed: Feed) -> Feed:
    """The feed, unless its licence lets nothing that is made from it leave the node."""
    if feed.redistribute is Redistribute.NO:
        raise RedistributionError(
            f"nothing made from {feed.id} may leave this node ({feed.licence.name}), and a finding is made to leave",
            where="study.outcome.feed",
        )
    return feed


def _keep_new(archive: Archive, document: dict[str, Any], pack: Callable[[dict[str, Any]], bytes]) -> dict[str, Any]:
    """The finding signed and kept with its bundle; the stored one where it says the same."""
    with archive.engine.connect() as connection:
        try:
            return get_finding(connection, document["id"])
        except UnknownNameError:
            signed = sign_finding(document, archive.key)
    _keep(archive, signed, pack(signed))
    return signed


def _describe_trust(
    cut: Cut,
    used: Sequence[int],
    study: PartsStudy,
    archive: Archive,
    marks: Sequence[tuple[int, StoredMark]],
    series: Mapping[int, StoredSeries],
) -> dict[str, Any]:
    """The finding's `trust`, which shows the marks that lie in the study's windows on series it would have summed."""
    wanted = {*used, *cut.series}
    spans = read_windows(study, archive.city.time_zone)
    inside = [
        (number, mark)
        for number, mark in marks
        if number in wanted and any(mark.start < end and start < mark.end for start, end in spans)
    ]
    return describe_cut(cut, BLOCKING_SHARE, inside, series)


def _keep(archive: Archive, finding: Mapping[str, Any], bundle: bytes) -> None:
    told = {name: finding[name] for name in ("id", "change", "study", "verdict")}
    with writing(archive.engine) as connection:
        put_finding(connection, finding, bundle)
        event = archive.events.put(connection, "finding", told)
    archive.events.tell(event)


def _list_outcome(archive: Archive, study: PartsStudy) -> dict[int, StoredSeries]:
    outcome = study.outcome
    with archive.engine.connect() as connection:
        found = list_series(connection, feed=outcome.feed, quantity=outcome.quantity, limit=_MOST_SERIES)
    chosen = {one.number: one for one in found if one.facet == outcome.facet}
    if not chosen:
        raise StudyError(
            f"the archive holds no series of {outcome.quantity} ({outcome.facet or 'no facet'}) from {outcome.feed}",
            where="study.outcome",
        )
    return chosen


def _read(archive: Archive, study: PartsStudy, series: Mapping[int, StoredSeries]) -> pl.DataFrame:
    start, end = read_span(study, archive.city.time_zone)
    held = archive.lake.read(Selection(sorted(series), start, end))
    if not held.num_rows:
        raise StudyError(f"the archive holds nothing of {study.outcome.feed} on the study's days", where="windows")
    return pl.DataFrame(pl.from_arrow(held))
