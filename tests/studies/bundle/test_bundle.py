"""A bundle carries what is needed to check a finding, and only what may leave."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import polars as pl
import pytest

from passerelle.feeds.feed import Redistribute
from passerelle.lake.contract import Selection
from passerelle.registry.series import get_series, list_numbers
from passerelle.studies.bundle.bundle import write_bundle
from passerelle.studies.bundle.verify import verify_bundle
from passerelle.studies.evaluate import evaluate
from passerelle.studies.gathered.trusted import read_marks, tabulate
from passerelle.studies.gathered.units import ROWS, read_span

from ..conftest import Case


def names(bundle: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return set(archive.namelist())


def rebuild(case: Case, redistribute: Redistribute) -> bytes:
    """The case's bundle, as it would be under other terms."""
    archive, study = case.archive, case.declaration.study
    with archive.engine.connect() as connection:
        numbers = list_numbers(connection, feed=study.outcome.feed, quantity=study.outcome.quantity)
    held = {one["series"] for one in case.finding["data"]}
    start, end = read_span(study, archive.city.time_zone)
    rows = pl.DataFrame(pl.from_arrow(archive.lake.read(Selection(numbers, start, end)))).select(*ROWS)
    assert len(held) == len(case.finding["data"])
    with archive.engine.connect() as connection:
        series = {number: get_series(connection, number) for number in numbers}
    marks = tabulate(read_marks(archive, study.outcome.feed, series, start, end))
    evaluation = evaluate(rows, study, archive.city.time_zone, marks=marks)
    feed = replace(archive.get_feed(study.outcome.feed), redistribute=redistribute)
    return write_bundle(case.finding, evaluation, rows, marks, feed, archive.key)


DRAWN = (("page", "html"), ("plots/path", "svg"), ("plots/placebos", "svg"))


def test_rows_are_in_it_where_they_may_leave(paris: Case) -> None:
    """The ten files of an open feed's finding, and a page and two pictures in each language."""
    drawn = {f"{name}.{language}.{kind}" for language in ("en", "fr") for name, kind in DRAWN}
    assert names(paris.bundle) == drawn | {
        "README.en.md",
        "README.fr.md",
        "declaration.json",
        "design_matrix.csv",
        "finding.json",
        "manifest.json",
        "rows.csv",
        "trust.csv",
        "signature.json",
        "versions.json",
    }


def test_a_bundle_is_the_same_to_the_byte(paris: Case) -> None:
    """Made again from the archive, it has the same bytes: no clock, no order of chance."""
    assert rebuild(paris, Redistribute.YES) == paris.bundle


def test_derived_data_only_without_rows(paris: Case) -> None:
    """Under `derived` the rows stay; the effect is computed again from the design matrix."""
    bundle = rebuild(paris, Redistribute.DERIVED)
    assert names(paris.bundle) - names(bundle) == {"rows.csv"}
    found = verify_bundle(bundle)
    assert (found.ok, found.recomputed_from) == (True, "design_matrix.csv")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_plain_page_says_sentence_and_source(paris: Case, language: str) -> None:
    """The README holds the sentence, every check's title, the licence and who made the data."""
    with zipfile.ZipFile(io.BytesIO(paris.bundle)) as archive:
        text = archive.read(f"README.{language}.md").decode()
    assert paris.finding["sentence"][language] in text
    assert all(check["title"][language] in text for check in paris.finding["checks"])
    assert "ODbL" in text
    assert "Ville de Paris" in text
