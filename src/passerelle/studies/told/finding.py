"""The finding: a study's judged result as a portable JSON document, signed with the city's key."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from passerelle.lab.estimators.did_blocks import design_matrix
from passerelle.model.interval import format_time
from passerelle.studies.bundle.canonical import canonical, digest
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.evaluate import Evaluation
from passerelle.studies.gathered.units import COMPARISON, TREATED
from passerelle.studies.told.sentence import write_reasons, write_sentence
from passerelle.studies.told.told import (
    tell_assumptions,
    tell_checks,
    tell_declared,
    tell_effect,
    tell_estimate,
    tell_method,
)
from passerelle.studies.told.words import texts, to_percent

_ID_LENGTH = 12


def write_finding(
    sealed: Mapping[str, Any],
    study: PartsStudy,
    evaluation: Evaluation,
    data: Sequence[Mapping[str, Any]],
    trust: Mapping[str, Any],
    *,
    rows_sha256: str,
    change_at: date,
    city: str,
    time_zone: str,
    computed_at: datetime,
    looks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The unsigned document. All but `computed_at` follows from declaration and data, and the id from that all."""
    content = {
        **tell_declared(sealed, study),
        **_summarise(study, evaluation),
        "city": city,
        "time_zone": time_zone,
        "method": tell_method(study.method),
        "assumptions": tell_assumptions(evaluation.result.assumptions),
        "checks": tell_checks(evaluation.result.checks, None),
        "estimate": tell_estimate(evaluation.result, None),
        "chart": draw_chart(study, evaluation, change_at),
        "placebos": _list_placebos(evaluation),
        "data": list(data),
        "trust": dict(trust),
        "rows_sha256": rows_sha256,
        "units": dict(texts()["unit"][study.unit]),
        "n": _count(evaluation),
        # A study that declared no look has none to tell, and its finding is as it was before there were any.
        **({} if looks is None else {"looks": dict(looks)}),
    }
    return identify(study.id, content, computed_at)


def identify(study_id: str, content: Mapping[str, Any], computed_at: datetime) -> dict[str, Any]:
    """The document with its id, which ends in a hash of the content, and when it was computed."""
    return {
        "id": f"{study_id}-{digest(content)[:_ID_LENGTH]}",
        "computed_at": format_time(computed_at.replace(microsecond=0)),
        **content,
    }


def sign_finding(document: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The document with the city's Ed25519 signature over its canonical bytes without `signature`."""
    signature = {
        "algorithm": "Ed25519",
        "canonical": "RFC 8785",
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "value": base64.b64encode(key.sign(canonical(_without_signature(document)))).decode(),
    }
    return {**document, "signature": signature}


def is_signed(document: Mapping[str, Any]) -> bool:
    """Whether the signature is of this document, by the public key it names; whose key it is, others must say."""
    signature = document["signature"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"]))
    try:
        key.verify(base64.b64decode(signature["value"]), canonical(_without_signature(document)))
    except InvalidSignature:
        return False
    return True


def draw_chart(study: PartsStudy, evaluation: Evaluation, change_at: date) -> dict[str, Any]:
    """Both groups' counts in the windows, and what the treated group would have counted without the change.

    The counterfactual, with its interval, is null before the change; `change_at` and `times` are local days.
    """
    data = evaluation.history.select(*evaluation.compared)
    frame = evaluation.units.frame[evaluation.compared[0]]
    without = design_matrix(data)
    without[:, 1] = 0
    expected = frame[COMPARISON].to_numpy() * np.exp(without @ evaluation.coefficients)
    low, high = evaluation.result.interval
    effect = evaluation.result.effect
    return {
        "unit": {"en": study.outcome.title.en, "fr": study.outcome.title.fr},
        "change_at": change_at.isoformat(),
        "windows": {
            "before": [day.isoformat() for day in study.windows.before],
            "after": [day.isoformat() for day in study.windows.after],
        },
        "times": [day.isoformat() for day in frame["day"]],
        "treated": frame[TREATED].to_list(),
        "comparison": frame[COMPARISON].to_list(),
        "counterfactual": _after(expected, data.after),
        "counterfactual_low": _after(expected * np.exp(effect - high), data.after),
        "counterfactual_high": _after(expected * np.exp(effect - low), data.after),
        "labels": {"treated": study.treated.label.both, "comparison": study.comparison.label.both},
    }


def _summarise(study: PartsStudy, evaluation: Evaluation) -> dict[str, Any]:
    result, judgement = evaluation.result, evaluation.judgement
    return {
        "verdict": judgement.verdict.value,
        "blocked_by": list(judgement.blocked_by),
        "reasons": write_reasons(judgement, result, study),
        "effect": tell_effect(result, None),
        "sentence": write_sentence(judgement, result, study),
    }


def _list_placebos(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Each placebo date (the first unit after it) with the effect, in percent, that it shows."""
    days = evaluation.units.days
    return [
        {"at": days[int(rows[after][0])].isoformat(), "value": to_percent(float(effect))}
        for (rows, after), effect in zip(evaluation.placebos, evaluation.placebo_effects, strict=True)
    ]


def _count(evaluation: Evaluation) -> dict[str, int]:
    after = evaluation.compared[1]
    return {
        "before": int((~after).sum()),
        "after": int(after.sum()),
        "series": len(evaluation.units.series),
        "series_left_out": len(evaluation.units.incomplete),
    }


def _after(values: np.ndarray[Any, np.dtype[np.float64]], after: np.ndarray[Any, np.dtype[np.bool_]]) -> list[Any]:
    return [float(value) if late else None for value, late in zip(values, after, strict=True)]


def _without_signature(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "signature"}
