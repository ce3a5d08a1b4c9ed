"""Archives with the real recordings that the two cities' studies read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.registry.findings import get_bundle
from passerelle.studies.declared.declaration import Declaration, feeds_of, read_changes, read_declarations
from passerelle.studies.declared.declaring import declare, register_changes
from passerelle.studies.run import run_study


@dataclass(frozen=True)
class Case:
    """A city's archive with one of its studies, run: `finding` and `bundle` as they are stored."""

    archive: Archive
    declaration: Declaration
    finding: dict[str, Any]
    bundle: bytes


def run_case(folder: Path, city: str, study: str) -> Case:
    create_folder(folder, city)
    archive = open_archive(folder)
    (declaration,) = (one for one in read_declarations(city) if one.study.id == study)
    register_changes(archive, read_changes(city))
    for bundle in archive.city.bundles:
        if bundle.feed in feeds_of(declaration.study):
            body = find_data_file(bundle.path).read_bytes()
            kept = archive.keep(bundle.feed, Reply(body, datetime.now(UTC), name=Path(bundle.path).name))
            archive.admit(kept.reply_id)
    declare(archive, declaration)
    finding = run_study(archive, declaration.study.id)
    with archive.engine.connect() as connection:
        return Case(archive, declaration, finding, get_bundle(connection, finding["id"]))


@pytest.fixture(scope="session")
def paris(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The 18:00 curfew of January 2021."""
    case = run_case(tmp_path_factory.mktemp("paris") / "folder", "paris", "curfew-18h-2021-cycling")
    yield case
    case.archive.close()


@pytest.fixture(scope="session")
def san_francisco(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Parking meters on Sundays, January 2013."""
    case = run_case(tmp_path_factory.mktemp("san-francisco") / "folder", "san-francisco", "sunday-meters-2013-garages")
    yield case
    case.archive.close()
