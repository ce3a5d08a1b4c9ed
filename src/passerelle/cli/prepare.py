"""`passerelle prepare`: what the demo has done in a process of its own, city by city."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from passerelle.archive.archive import Archive
from passerelle.archive.folder import LAYOUT_FILE, create_folder
from passerelle.archive.opening import open_archive
from passerelle.feeds.city import Bundle, find_data_file
from passerelle.feeds.feed import Reply
from passerelle.registry.findings import list_findings
from passerelle.registry.replies import ReplyState, list_replies
from passerelle.studies.declared.declaration import read_changes, read_declarations
from passerelle.studies.declared.declaring import declare, register_changes
from passerelle.studies.run import run_study
from passerelle.trust.keeping import Keeper

_TRUST_BYTES = 2_000_000
"""What judging the feeds weighs in the progress, beside the bytes of the recordings."""

_STUDY_BYTES = 2_000_000
"""What running a study weighs in the progress, beside the bytes of the recordings."""


@click.command("prepare", hidden=True)
@click.argument("name")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def prepare(name: str, folder: Path) -> None:
    """Bring FOLDER to hold the city's recordings, studies and findings; progress is lines of JSON."""
    if not (folder / LAYOUT_FILE).exists():
        create_folder(folder, name)
    archive = open_archive(folder)
    try:
        bundles = _list_missing(archive)
        sizes = [find_data_file(bundle.path).stat().st_size for bundle in bundles]
        declarations = read_declarations(name)
        total = sum(sizes) + _TRUST_BYTES + _STUDY_BYTES * len(declarations)
        done = _import(archive, bundles, sizes, total)
        Keeper(archive).judge_due([feed.id for feed in archive.city.feeds])
        done += _TRUST_BYTES
        _report(done, total)
        register_changes(archive, read_changes(name))
        with archive.engine.connect() as connection:
            judged = {finding["study"] for finding in list_findings(connection, limit=1000)}
        for declaration in declarations:
            if declaration.study.id not in judged:
                declare(archive, declaration)
                run_study(archive, declaration.study.id)
            done += _STUDY_BYTES
            _report(done, total)
    finally:
        archive.close()


def _list_missing(archive: Archive) -> list[Bundle]:
    with archive.engine.connect() as connection:
        held = {(reply.feed, reply.name) for reply in list_replies(connection, state=ReplyState.ADMITTED, limit=10_000)}
    return [bundle for bundle in archive.city.bundles if (bundle.feed, Path(bundle.path).name) not in held]


def _import(archive: Archive, bundles: Sequence[Bundle], sizes: Sequence[int], total: int) -> int:
    done = 0
    for bundle, size in zip(bundles, sizes, strict=True):
        path = find_data_file(bundle.path)
        reply = Reply(path.read_bytes(), bundle.recorded_at or datetime.now(UTC), name=path.name)
        kept = archive.keep(bundle.feed, reply, recorded=bundle.recorded_at is not None)
        archive.admit(kept.reply_id)
        done += size
        _report(done, total)
    return done


def _report(done: int, total: int) -> None:
    click.echo(json.dumps({"done": done, "total": total}))


COMMANDS = {"prepare": prepare}
