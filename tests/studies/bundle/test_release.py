"""A bundle made under one licence leaves under the one declared now."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from passerelle.archive import open_archive
from passerelle.archive.backup import back_up
from passerelle.cli import main
from passerelle.client import AnswerError, connect
from passerelle.model.errors import RedistributionError
from passerelle.studies.bundle.release import release_bundle
from passerelle.studies.bundle.verify import verify_bundle

from ..conftest import Case


def redeclare(case: Case, folder: Path, word: str) -> Path:
    """A copy of the case's folder whose city file gives the study's feed other terms."""
    back_up(case.archive, folder)
    file = folder / "city.toml"
    feed = case.declaration.study.outcome.feed
    before, name, after = file.read_text(encoding="utf-8").partition(f'id = "{feed}"')
    file.write_text(before + name + after.replace('redistribute = "yes"', f'redistribute = "{word}"', 1), "utf-8")
    return folder


def read_files(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_nothing_leaves_once_nothing_may(paris: Case, tmp_path: Path) -> None:
    """Under `no` finding and bundle are refused by every way out and left out of lists; no file is written."""
    folder, target = redeclare(paris, tmp_path / "no", "no"), tmp_path / "bundle.zip"
    archive = open_archive(folder)
    with pytest.raises(RedistributionError, match="ODbL"):
        release_bundle(archive, paris.finding["id"])
    archive.close()
    with connect(folder) as city, pytest.raises(AnswerError, match="ODbL") as refused:
        city.bundle(paris.finding["id"])
    assert refused.value.status == 403
    with connect(folder) as city, pytest.raises(AnswerError, match="ODbL"):
        city.read(f"findings/{paris.finding['id']}")
    with connect(folder) as city:
        change = city.read(f"changes/{paris.finding['change']}")
        assert change["finding"] is None
        assert change["study"]["id"] == paris.finding["study"]
        assert all(one["finding"] is None for one in city.list_all("changes"))
        assert list(city.list_all("findings")) == []
    words = ["study", "show", paris.finding["id"], "--bundle", str(target), "--folder", str(folder)]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 1
    assert "ODbL" in shown.stderr
    assert not target.exists()


def test_a_feed_that_left_the_city_keeps_its_findings_here(paris: Case, tmp_path: Path) -> None:
    """Its licence isn't known any more: the change is still listed, without a finding."""
    folder = redeclare(paris, tmp_path / "left", "yes")
    file, feed = folder / "city.toml", paris.declaration.study.outcome.feed
    file.write_text(file.read_text(encoding="utf-8").replace(f'"{feed}"', '"another"'), "utf-8")
    with connect(folder) as city:
        assert all(one["finding"] is None for one in city.list_all("changes"))


def test_only_what_is_derived_leaves_once_rows_may_not(paris: Case, tmp_path: Path) -> None:
    """Under `derived` the rows are taken out, the words say so, and what is left holds by its signature."""
    with connect(redeclare(paris, tmp_path / "derived", "derived")) as city:
        bundle = city.bundle(paris.finding["id"])
    files = read_files(bundle)
    assert read_files(paris.bundle).keys() - files.keys() == {"rows.csv"}
    assert b"`rows.csv` holds" not in files["README.en.md"]
    found = verify_bundle(bundle, paris.finding["signature"]["public_key"])
    assert (found.ok, found.recomputed_from) == (True, "design_matrix.csv")


def test_an_open_bundle_leaves_as_it_was_kept(paris: Case) -> None:
    """Under the terms it was made with, not a byte is other."""
    assert release_bundle(paris.archive, paris.finding["id"]) == paris.bundle
