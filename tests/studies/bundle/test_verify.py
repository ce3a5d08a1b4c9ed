"""A bundle that was altered anywhere, or whose numbers don't follow from its data, is found out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passerelle.model.errors import InvalidValueError
from passerelle.studies.bundle.canonical import canonical
from passerelle.studies.bundle.verify import verify_bundle
from passerelle.studies.told.finding import sign_finding

from ..conftest import Case


def unpack(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return target.getvalue()


def sign(files: dict[str, bytes], finding: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """A bundle of a forger, or of a city that made a mistake: everything signed, with `key`."""
    files = {**files, "finding.json": canonical(sign_finding(finding, key))}
    rest = {name: body for name, body in files.items() if name not in ("manifest.json", "signature.json")}
    manifest = canonical({name: hashlib.sha256(body).hexdigest() for name, body in rest.items()})
    signature = {
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "value": base64.b64encode(key.sign(manifest)).decode(),
    }
    return pack({**rest, "manifest.json": manifest, "signature.json": canonical(signature)})


def test_a_true_bundle(paris: Case, san_francisco: Case) -> None:
    """Both cities' bundles check, with the city's key, from the rows."""
    for case in (paris, san_francisco):
        key = base64.b64encode(case.archive.key.public_key().public_bytes_raw()).decode()
        found = verify_bundle(case.bundle, key)
        assert (found.problems, found.recomputed_from, found.public_key) == ((), "rows.csv", key)


@pytest.mark.parametrize(
    "name",
    ["finding.json", "declaration.json", "design_matrix.csv", "rows.csv", "README.fr.md", "versions.json"],
)
def test_every_byte_is_signed(san_francisco: Case, name: str) -> None:
    """One digit changed in any file is named."""
    files = unpack(san_francisco.bundle)
    digit = next(at for at, byte in enumerate(files[name]) if chr(byte) in "12345678")
    files[name] = files[name][:digit] + b"9" + files[name][digit + 1 :]
    assert f"{name} is not what was signed" in verify_bundle(pack(files)).problems


def test_a_file_more_or_less_is_found(san_francisco: Case) -> None:
    """Neither can be slipped in or left out."""
    files = unpack(san_francisco.bundle)
    more = verify_bundle(pack({**files, "note.txt": b"trust me"}))
    less = verify_bundle(pack({name: body for name, body in files.items() if name != "rows.csv"}))
    assert more.problems == ("note.txt is not what was signed",)
    assert less.problems == ("rows.csv is not what was signed",)


def test_another_key_is_found(san_francisco: Case) -> None:
    """A forger can sign a whole bundle again, but not with the city's key."""
    city = base64.b64encode(san_francisco.archive.key.public_key().public_bytes_raw()).decode()
    forged = sign(unpack(san_francisco.bundle), san_francisco.finding, Ed25519PrivateKey.generate())
    assert verify_bundle(forged).ok
    (problem,) = verify_bundle(forged, city).problems
    assert problem.endswith(f"not with {city}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"verdict": "worked"}, "the verdict is cannot_tell_yet, not worked"),
        ({"sentence": {"en": "It worked.", "fr": "Cela a marché."}}, "the sentence is not the one"),
        ({"checks": []}, "the checks come out differently"),
    ],
)
def test_a_signed_untruth_is_found(san_francisco: Case, change: dict[str, Any], problem: str) -> None:
    """A city that signs what doesn't follow from its own rows is contradicted by them."""
    finding = {**san_francisco.finding, **change}
    found = verify_bundle(sign(unpack(san_francisco.bundle), finding, san_francisco.archive.key))
    assert [one for one in found.problems if one.startswith(problem)]


def test_a_signed_wrong_number_is_found(san_francisco: Case) -> None:
    """An effect off by one in a million is named with both values, from matrix and rows."""
    estimate = san_francisco.finding["estimate"]
    finding = {**san_francisco.finding, "estimate": {**estimate, "effect": estimate["effect"] * (1 + 1e-6)}}
    found = verify_bundle(sign(unpack(san_francisco.bundle), finding, san_francisco.archive.key))
    assert [one.split(" is ")[0] for one in found.problems] == [
        "effect computed from design_matrix.csv",
        "effect computed from rows.csv",
    ]


def test_a_declaration_edited_later_is_found(san_francisco: Case) -> None:
    """A smallest effect changed after declaring no longer has the declared hash."""
    declaration = json.loads(canonical(san_francisco.finding["declaration"]))
    declaration["declaration"]["smallest_effect"] = 20
    files = {**unpack(san_francisco.bundle), "declaration.json": canonical(declaration)}
    finding = {**san_francisco.finding, "declaration": declaration}
    found = verify_bundle(sign(files, finding, san_francisco.archive.key))
    assert found.problems == ("the declaration's hash is not of what was declared",)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"<html></html>"])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    """Anything that is not a zip says so."""
    with pytest.raises(InvalidValueError, match="not a zip"):
        verify_bundle(data)


def test_a_zip_of_something_else_is_refused() -> None:
    """A zip without a finding isn't a bundle."""
    with pytest.raises(InvalidValueError, match="lacks what a bundle has"):
        verify_bundle(pack({"readme.txt": b"hello"}))


def test_a_bomb_is_not_unpacked() -> None:
    """A zip that says it unpacks to more than a bundle ever does is refused before it is read."""
    bundle = bytearray(pack({"rows.csv": b"0"}))
    # The size unpacked stands 24 bytes into the entry of the central directory (APPNOTE.TXT 4.3.12).
    at = bundle.index(b"PK\x01\x02") + 24
    bundle[at : at + 4] = (257 * 2**20).to_bytes(4, "little")
    with pytest.raises(InvalidValueError, match="unpacks to 269484032 bytes"):
        verify_bundle(bytes(bundle))


def test_an_amendment_has_the_hash_of_its_words(paris: Case) -> None:
    """Signed by the city's own key: what was replaced was another declaration than its hash says."""
    sealed = paris.finding["declaration"]
    amendment = {
        "amended_at": "2026-01-01T00:00:00Z",
        "reason": "none",
        "data_seen": True,
        "hash": sealed["hash"],
        "declaration": sealed["declaration"],
    }
    for declared, problems in ((sealed["declaration"], 0), ({**sealed["declaration"], "level": 0.9}, 1)):
        told = {**sealed, "amendments": [{**amendment, "replaced": {"hash": sealed["hash"], "declaration": declared}}]}
        files = {**unpack(paris.bundle), "declaration.json": canonical(told)}
        found = verify_bundle(sign(files, {**paris.finding, "declaration": told}, paris.archive.key))
        assert len([one for one in found.problems if "amendment" in one]) == problems
