"""Checks a finding's bundle: the signature over every byte, then the numbers, computed again from what is in it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from passerelle.lab.estimators.did_blocks import estimate_did
from passerelle.lab.paired import paired
from passerelle.lab.result import Result
from passerelle.model.errors import InvalidValueError, NothingLeftError
from passerelle.model.series import format_series_id
from passerelle.studies.bundle.bundle import (
    DECLARATION,
    FINDING,
    MANIFEST,
    MATRIX,
    ROWS_FILE,
    SIGNATURE,
    TRUST_FILE,
    write_matrix,
)
from passerelle.studies.bundle.canonical import digest
from passerelle.studies.bundle.panel_verify import recompute_panel
from passerelle.studies.bundle.recomputing import compare_estimate, compare_share, read_marks, read_rows
from passerelle.studies.declared.declaration import read_study
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.evaluate import Evaluation, evaluate
from passerelle.studies.told.finding import is_signed
from passerelle.studies.told.sentence import NOTHING_LEFT, write_nothing_left, write_sentence

_LARGEST = 256 * 2**20
"""Bytes a bundle may unpack to; the largest of the demo has a twentieth of it."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a bundle proved: the key that signed it (base64), the file it was computed again from, what was wrong."""

    finding: str
    public_key: str
    recomputed_from: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify_bundle(data: bytes, public_key: str | None = None) -> Verification:
    """What became of checking the bundle; `public_key` (base64) is the city's, where the caller knows it.

    Without one a bundle shows only that it was not altered since somebody signed it.
    """
    files = _unpack(data)
    try:
        finding, signature = json.loads(files[FINDING]), json.loads(files[SIGNATURE])
        source = ROWS_FILE if ROWS_FILE in files else MATRIX
        problems = [*_check_signatures(files, finding, signature, public_key), *_check_declaration(files, finding)]
        # Numbers from a bundle that was tampered with prove nothing, and reading them could do harm.
        if not problems:
            problems += _recompute(files, finding)
        return Verification(finding["id"], signature["public_key"], source, tuple(problems))
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise InvalidValueError(f"the bundle lacks what a bundle has: {error!r}", where="bundle") from error


def _unpack(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
            if size > _LARGEST:
                raise InvalidValueError(f"the bundle unpacks to {size} bytes, more than {_LARGEST}", where="bundle")
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise InvalidValueError("the bundle holds a file twice", where="bundle")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidValueError(f"the bundle is not a zip that can be read: {error}", where="bundle") from error


def _check_signatures(
    files: Mapping[str, bytes], finding: dict[str, Any], signature: dict[str, Any], public_key: str | None
) -> Iterator[str]:
    manifest = json.loads(files[MANIFEST])
    held = {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name not in (MANIFEST, SIGNATURE)}
    for name in sorted(manifest.keys() | held.keys()):
        if manifest.get(name) != held.get(name):
            yield f"{name} is not what was signed"
    if public_key is not None and signature["public_key"] != public_key:
        yield f"signed with {signature['public_key']}, not with {public_key}"
    if finding["signature"]["public_key"] != signature["public_key"]:
        yield "the finding and the bundle are signed with different keys"
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"], validate=True))
        key.verify(base64.b64decode(signature["value"], validate=True), files[MANIFEST])
    except (InvalidSignature, binascii.Error, ValueError):
        yield "the signature is not of this manifest"
    if not is_signed(finding):
        yield "the finding's own signature is not of this finding"


def _check_declaration(files: Mapping[str, bytes], finding: dict[str, Any]) -> Iterator[str]:
    declaration = json.loads(files[DECLARATION])
    if declaration != finding["declaration"]:
        yield "the declaration is not the finding's"
    if digest(declaration["declaration"]) != declaration["hash"]:
        yield "the declaration's hash is not of what was declared"
    for one in declaration.get("amendments", ()):
        if any(digest(told["declaration"]) != told["hash"] for told in (one, one["replaced"])):
            yield f"a hash of the amendment of {one['amended_at']} is not of what was declared"


def _recompute(files: Mapping[str, bytes], finding: dict[str, Any]) -> Iterator[str]:
    study = read_study(finding["declaration"]["declaration"])
    if not isinstance(study, PartsStudy):
        yield from recompute_panel(files, finding, study)
        return
    if finding["estimate"] is None:
        yield from _recompute_nothing(files, finding, study)
        return
    yield from compare_estimate(finding["estimate"], _estimate_matrix(files[MATRIX], study), MATRIX)
    if ROWS_FILE not in files:
        return
    evaluation = _evaluate(files, finding, study)
    yield from _compare_trust(finding, evaluation)
    yield from compare_estimate(finding["estimate"], evaluation.result, ROWS_FILE)
    if write_matrix(evaluation) != files[MATRIX]:
        yield f"{MATRIX} does not follow from {ROWS_FILE}"
    if evaluation.judgement.verdict.value != finding["verdict"]:
        yield f"the verdict is {evaluation.judgement.verdict.value}, not {finding['verdict']}"
    if [check.outcome.value for check in evaluation.result.checks] != [one["outcome"] for one in finding["checks"]]:
        yield "the checks come out differently"
    if write_sentence(evaluation.judgement, evaluation.result, study) != finding["sentence"]:
        yield "the sentence is not the one that follows from the numbers"


def _evaluate(files: Mapping[str, bytes], finding: Mapping[str, Any], study: PartsStudy) -> Evaluation:
    marks = read_marks(files[TRUST_FILE]) if "trust" in finding else None
    rows, zone = read_rows(files[ROWS_FILE]), ZoneInfo(finding["time_zone"])
    return evaluate(rows, study, zone, marks=marks, looks=finding.get("looks"))


def _recompute_nothing(files: Mapping[str, bytes], finding: Mapping[str, Any], study: PartsStudy) -> Iterator[str]:
    """Whether nothing was left to compare, as the finding says; without rows there is nothing to hold that against."""
    if finding["blocked_by"] != [NOTHING_LEFT] or finding["sentence"] != write_nothing_left(study):
        yield "the finding has no estimate, and says more than that nothing was left"
    if ROWS_FILE not in files:
        return
    try:
        _evaluate(files, finding, study)
    except NothingLeftError:
        return
    yield f"a result follows from {ROWS_FILE}, and the finding has none"


def _compare_trust(finding: Mapping[str, Any], evaluation: Evaluation) -> Iterator[str]:
    cut = evaluation.units.cut
    if cut is None:
        return
    claimed = finding["trust"]
    found = {
        "light": cut.light.value,
        "units": [unit.isoformat() for unit in cut.units],
        "series": [format_series_id(number) for number in cut.series],
    }
    for name, value in found.items():
        if claimed[name] != value:
            yield f"the {name} that follow from {TRUST_FILE} are {value}, claimed {claimed[name]}"
    yield from compare_share(claimed["red_share"], cut.share)


def _estimate_matrix(body: bytes, study: PartsStudy) -> Result:
    frame = pl.read_csv(body, try_parse_dates=True)
    covariates = [name for name in frame.columns if name.startswith("covariate_")]
    data = paired(
        times=frame["day"].to_physical().to_numpy().astype(float),
        treated=np.log(frame["treated"].to_numpy()),
        comparison=np.log(frame["comparison"].to_numpy()),
        after=frame["after"].to_numpy() > 0,
        covariates=frame.select(covariates).to_numpy() if covariates else None,
    )
    return estimate_did(data, study.level)
