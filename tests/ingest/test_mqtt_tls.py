"""Listening to a Mosquitto over TLS: whose certificate is believed."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.ingest.conftest import CITY
from tests.ingest.mosquitto import FEED, Mosquitto, listening, starts, tell, until

from passerelle.archive import Archive, create_folder, open_archive


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Certificates of an authority of our own, `ca.pem`, and of a broker at localhost, `broker.pem`, with its key."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    now = datetime.now(UTC)
    names = {one: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in ("tests", "localhost")}
    keys = {one: ec.generate_private_key(ec.SECP256R1()) for one in names}

    def certify(name: str, extension: x509.ExtensionType, extension_is_critical: bool) -> bytes:
        made = x509.CertificateBuilder(
            names["tests"], names[name], keys[name].public_key(), x509.random_serial_number()
        )
        made = made.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(extension, critical=extension_is_critical)
        return made.sign(keys["tests"], hashes.SHA256()).public_bytes(Encoding.PEM)

    ca = x509.BasicConstraints(ca=True, path_length=0)
    (folder / "ca.pem").write_bytes(certify("tests", ca, True))
    (folder / "broker.pem").write_bytes(
        certify("localhost", x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    )
    private = keys["localhost"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "broker.key").write_bytes(private)
    return folder


@pytest.fixture
def over_tls(tmp_path: Path, mosquitto: Mosquitto, authority: Path) -> Iterator[Callable[[str], Archive]]:
    """`over_tls(host)`: a city that listens to the broker's second port, which speaks TLS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mosquitto.end(signal.SIGTERM)
    mosquitto.extra = f"listener {port}\ncertfile {authority}/broker.pem\nkeyfile {authority}/broker.key\n"
    mosquitto.start()

    def make(host: str) -> Archive:
        city = tmp_path / "safe.toml"
        city.write_text(CITY + (FEED % port).replace("mqtt://127.0.0.1", f"mqtts://{host}"), encoding="utf-8")
        create_folder(tmp_path / "safe", city)
        return opened.enter_context(closing(open_archive(tmp_path / "safe")))

    with ExitStack() as opened:
        yield make


def test_messages_come_over_tls(
    mosquitto: Mosquitto, over_tls: Callable[[str], Archive], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a broker whose certificate an authority signed that SSL_CERT_FILE names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    archive = over_tls("localhost")
    with listening(archive) as listener:
        until(lambda: listener.is_connected)
        mosquitto.publish(20)
        until(lambda: starts(archive) == list(range(20)))


def test_an_authority_that_nobody_knows_is_refused(over_tls: Callable[[str], Archive]) -> None:
    """Nothing is said to such a broker: the feed fails, with the reason."""
    archive = over_tls("localhost")
    with listening(archive):
        until(lambda: len(tell(archive, "failed")) > 0)
    assert "certificate verify failed" in tell(archive, "failed")[0]["reason"]


def test_a_certificate_of_another_host_is_refused(
    over_tls: Callable[[str], Archive], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is localhost's, and 127.0.0.1 was asked."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    archive = over_tls("127.0.0.1")
    with listening(archive):
        until(lambda: len(tell(archive, "failed")) > 0)
    assert "IP address mismatch" in tell(archive, "failed")[0]["reason"]
