"""The portable bundle of a finding: a zip that says what was declared, computed and from what, signed over every byte.

Its files and their columns are described in `docs/formats/finding.md`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passerelle.feeds.feed import Feed, Redistribute
from passerelle.lab.estimators.did_blocks import design_matrix
from passerelle.studies.bundle.canonical import canonical
from passerelle.studies.evaluate import Evaluation
from passerelle.studies.told.page import write_page
from passerelle.studies.told.plots import draw_plots
from passerelle.studies.told.words import LANGUAGES, texts

FINDING, DECLARATION, MATRIX, ROWS_FILE = "finding.json", "declaration.json", "design_matrix.csv", "rows.csv"
TRUST_FILE, SEATS_FILE, TIMES_FILE, FACTS_FILE = "trust.csv", "seats.csv", "times.csv", "facts.json"
TABLES = (MATRIX, ROWS_FILE, TRUST_FILE, SEATS_FILE, TIMES_FILE, FACTS_FILE)
"""Files of data, of which a bundle has those its design needs."""

VERSIONS, MANIFEST, SIGNATURE = "versions.json", "manifest.json", "signature.json"
TIME = "%Y-%m-%dT%H:%M:%S%.fZ"
"""How the marks' times are written: they may have microseconds."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: bundles of one finding are equal to the byte."""


def write_rows(rows: pl.DataFrame) -> bytes:
    """The rows as CSV: `series`, `start` in UTC, `value`."""
    return rows.select("series", pl.col("start").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), "value").write_csv().encode()


def write_marks(marks: pl.DataFrame) -> bytes:
    """The marks that trust put on the series read, as CSV: `series`, `start` and `end` in UTC, `light`, `check`."""
    times = [pl.col(name).dt.strftime(TIME) for name in ("start", "end")]
    return marks.with_columns(times).write_csv().encode()


def write_matrix(evaluation: Evaluation) -> bytes:
    """The units compared as CSV: `day`, the two counts, `outcome` (logarithm of their ratio), then the regressors."""
    data = evaluation.history.select(*evaluation.compared)
    names = ["level", "after", *(f"covariate_{number + 1}" for number in range(data.covariates.shape[1]))]
    matrix = pl.DataFrame(design_matrix(data), schema=names, orient="row")
    frame = evaluation.units.frame[evaluation.compared[0]]
    return pl.concat([frame.with_columns(outcome=data.difference), matrix], how="horizontal").write_csv().encode()


def write_bundle(
    finding: Mapping[str, Any],
    evaluation: Evaluation,
    rows: pl.DataFrame,
    marks: pl.DataFrame,
    feed: Feed,
    key: Ed25519PrivateKey,
) -> bytes:
    """The zip's bytes; the rows are in it only where the feed's licence lets them leave."""
    kept = {MATRIX: write_matrix(evaluation), TRUST_FILE: write_marks(marks)}
    if feed.redistribute is Redistribute.YES:
        kept[ROWS_FILE] = write_rows(rows)
    return pack_bundle(finding, kept, [feed], key)


def pack_bundle(
    finding: Mapping[str, Any], data: Mapping[str, bytes], feeds: Sequence[Feed], key: Ed25519PrivateKey
) -> bytes:
    """The zip's bytes, signed; `data` are its tables, without the rows where those of any of `feeds` may not leave."""
    files = {
        FINDING: canonical(finding),
        DECLARATION: canonical(finding["declaration"]),
        **data,
        VERSIONS: canonical(finding["versions"]),
        **{
            f"README.{language}.md": _write_readme(finding, feeds, language, with_rows=ROWS_FILE in data).encode()
            for language in LANGUAGES
        },
        **_draw(finding, feeds),
    }
    manifest = canonical({name: hashlib.sha256(body).hexdigest() for name, body in files.items()})
    signature = {
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "value": base64.b64encode(key.sign(manifest)).decode(),
    }
    files |= {MANIFEST: manifest, SIGNATURE: canonical(signature)}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return target.getvalue()


def unpack_bundle(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle that this city packed, by name; one from elsewhere is `verify_bundle`'s to read."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _draw(finding: Mapping[str, Any], feeds: Sequence[Feed]) -> dict[str, bytes]:
    """The pictures and the page, in each language."""
    found = {}
    for language in LANGUAGES:
        licences = _write_licences(feeds, texts()["readme"][language])
        found[f"page.{language}.html"] = write_page(finding, licences, language).encode()
        for name, body in draw_plots(finding, language).items():
            found[f"plots/{name}.{language}.svg"] = body.encode()
    return found


def _write_licences(feeds: Sequence[Feed], words: Mapping[str, str]) -> list[str]:
    return [
        words["licence"].format(name=feed.licence.name, url=feed.licence.url, attribution=feed.licence.attribution)
        for feed in feeds
    ]


def _write_readme(finding: Mapping[str, Any], feeds: Sequence[Feed], language: str, *, with_rows: bool) -> str:
    words = texts()["readme"][language]
    checks = "\n".join(
        f"- {check['title'][language]}{words['colon']}{words[check['outcome']]}. {check['detail'][language]}"
        for check in finding["checks"]
    )
    data = words["with_rows" if with_rows else "without_rows"]
    return str(
        words["page"].format(
            outcome=finding["outcome"][language],
            sentence=finding["sentence"][language],
            comparison=finding["comparison"][language],
            method=_write_method(finding, words, language),
            retrospective=words["retrospective" if finding["retrospective"] else "prospective"],
            declared_at=finding["declaration"]["declared_at"],
            checks=checks,
            data=data,
            licences=" ".join(_write_licences(feeds, words)),
            effect=_write_effect(finding["effect"], language),
            by_hand=words[f"by_hand_{finding.get('design', 'parts')}"],
        )
    )


def _write_method(finding: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    method = finding["method"]
    return words["no_method"] if method is None else f"{method['title'][language]}. {method['reference']}"


def _write_effect(effect: Mapping[str, Any] | None, language: str) -> str:
    return "-" if effect is None else f"{json.dumps(effect['value'])} {effect['unit'][language]}"
