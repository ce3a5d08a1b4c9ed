"""Listening to a real Mosquitto: what was acknowledged is kept, what isn't comes again, what finds no room is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.ingest.conftest import CITY

from passerelle.api.node import Node
from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds._http import Limits
from passerelle.ingest.ask import Asker
from passerelle.ingest.inbox import Spool
from passerelle.ingest.mqtt import Listener
from passerelle.lake.contract import Selection
from passerelle.registry.events import list_events
from passerelle.registry.refused import list_refused

FEED = """
[[feed]]
id = "bins"
form = "mqtt_json"
title = {en = "Bins", fr = "Corbeilles"}
publisher = "tests"
owner = "tests"
url = "mqtt://127.0.0.1:%d/bins/+/level"
documentation = "unknown"
licence = {name = "unknown", url = "", attribution = "tests"}
redistribute = "yes"
quantities = ["carshare_slots_free"]

[feed.parameters]
listen = {seconds = 0.2, user = "BROKER_USER", password = "BROKER_PASSWORD"}
time = {columns = ["payload.t"], format = "epoch_s", marks = "instant", length = "PT10M"}
place = {id = "levels.1", prefix = "bin", kind = "bin"}
value = [{column = "payload.level", quantity = "carshare_slots_free"}]
"""

SECRETS = {"BROKER_USER": "node", "BROKER_PASSWORD": "river-7"}
BEGIN = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())


@dataclass
class Mosquitto:
    """A broker on this machine with a user, whose sessions outlive it."""

    folder: Path
    program: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    extra: str = ""
    clients: list[Client] = field(default_factory=list)

    def start(self) -> None:
        """Run, and wait until it answers."""
        user = "user root\n" if os.geteuid() == 0 else ""
        (self.folder / "mosquitto.conf").write_text(
            f"{user}listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {self.folder}/users\n"
            f"persistence true\npersistence_location {self.folder}/\n"
            f"sys_interval 1\nmax_queued_messages 0\n{self.extra}",
            encoding="utf-8",
        )
        command = [self.program, "-c", str(self.folder / "mosquitto.conf")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: answers(self.port))

    def end(self, how: signal.Signals) -> None:
        """End the broker with a signal."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(10)

    def publish(self, number: int, *, qos: int = 1, first: int = 0, retain: bool = False, raw: bytes = b"") -> None:
        """Messages of bin 7, a minute apart, acknowledged by the broker where `qos` is 1."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(SECRETS["BROKER_USER"], SECRETS["BROKER_PASSWORD"])
        client.max_queued_messages_set(0)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        for at in range(first, first + number):
            payload = raw or json.dumps({"t": BEGIN + at * 60, "level": at % 50}).encode()
            sent = client.publish("bins/7/level", payload, qos=qos, retain=retain)
        sent.wait_for_publish(20)
        client.disconnect()
        client.loop_stop()


def answers(port: int) -> bool:
    """Whether somebody listens at the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become so."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it didn't come about in time"
        time.sleep(0.05)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that runs; CI must have Mosquitto."""
    # Debian has it where only root's path leads.
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI tests with Mosquitto, which is absent (setup/mosquitto.sh)")
        pytest.skip("Mosquitto is absent (setup/mosquitto.sh)")
    folder = tmp_path / "broker"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tool = shutil.which("mosquitto_passwd", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto_passwd"
    user, password = SECRETS["BROKER_USER"], SECRETS["BROKER_PASSWORD"]
    subprocess.run([tool, "-b", "-c", str(folder / "users"), user, password], check=True, capture_output=True)
    (folder / "users").chmod(0o600)
    broker = Mosquitto(folder, program, port)
    broker.start()
    yield broker
    if broker.process is not None and broker.process.poll() is None:
        broker.end(signal.SIGTERM)


@pytest.fixture
def archive(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Archive]:
    """A city that listens to the broker."""
    city = tmp_path / "city.toml"
    city.write_text(CITY + FEED % mosquitto.port, encoding="utf-8")
    create_folder(tmp_path / "folder", city)
    archive = open_archive(tmp_path / "folder")
    yield archive
    archive.close()


@contextmanager
def listening(archive: Archive, environ: dict[str, str] = SECRETS, room: int = 10_000) -> Iterator[Listener]:
    """A listener that was started; stopped in the end."""
    asker = Asker(archive, environ=environ, limits=Limits(), budgets=[])
    listener = Listener(archive, archive.get_feed("bins"), asker, environ, room)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@pytest.fixture
def listen(archive: Archive) -> Iterator[Callable[..., Listener]]:
    """`listen(room=...)`: a listener that was started; stopped in the end."""
    with ExitStack() as started:
        yield lambda *given, **named: started.enter_context(listening(archive, *given, **named))


def starts(archive: Archive) -> list[int]:
    """The minutes since `BEGIN` of what is in the lake, in order."""
    rows = archive.lake.latest()
    if not rows.num_rows:
        return []
    (series,) = rows["series"].unique().to_pylist()
    begin = datetime.fromtimestamp(BEGIN, UTC)
    read = archive.lake.read(Selection([series])).to_pylist()
    return sorted((row["start"] - begin) // timedelta(minutes=1) for row in read)


def tell(archive: Archive, kind: str) -> list[dict[str, Any]]:
    """What events of a kind say."""
    with archive.engine.connect() as connection:
        return [dict(event.document) for event in list_events(connection, kind=kind, limit=1000)]


def test_messages_become_observations(mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]) -> None:
    """A hundred messages: as many states of the topic's bin, in a few replies."""
    listener = listen()
    until(lambda: listener.is_connected)
    mosquitto.publish(100)
    until(lambda: len(starts(archive)) == 100)
    assert starts(archive) == list(range(100))
    assert len(tell(archive, "reply")) < 20


def test_a_node_listens_while_it_runs(mosquitto: Mosquitto, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started with the asking of publishers and ended with it, secrets from the environment."""
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    node = Node(archive)
    node.start(fetches=True, replays=False)
    until(lambda: node.listeners[0].is_connected)
    mosquitto.publish(3)
    until(lambda: starts(archive) == [0, 1, 2])
    node.stop()
    assert not node.listeners[0].is_connected
    mosquitto.publish(3, first=3)
    assert starts(archive) == [0, 1, 2]


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


def test_a_retained_message_comes_once(mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]) -> None:
    """What was retained before the node listened is read by its own time, and isn't sent again to the same session."""
    mosquitto.publish(1, retain=True)
    listener = listen()
    until(lambda: starts(archive) == [0])
    listener.stop()
    again = listen()
    until(lambda: again.is_connected)
    mosquitto.publish(1, first=1)
    until(lambda: starts(archive) == [0, 1])
    assert len(tell(archive, "reply")) == 2


def test_broken_json_is_refused(mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]) -> None:
    """Its text is kept with the reason; a payload that would end its line's object to name another topic is broken."""
    listener = listen()
    until(lambda: listener.is_connected)
    forged = b'1}, "topic": "bins/8/level", "payload": {"t": 1, "level": 2}'
    for raw in (b'{"t": 17', b"\xff\xfe", forged, b"[" * 100_000):
        mosquitto.publish(1, raw=raw)
    mosquitto.publish(1)
    until(lambda: starts(archive) == [0])
    with archive.engine.connect() as connection:
        refused = list_refused(connection, feed="bins")
    assert [row.reason for row in refused] == ["not JSON"] * 4
    assert '{\\"t\\": 17' in refused[0].raw


def test_a_broker_that_is_killed_loses_nothing(
    mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]
) -> None:
    """Killed and started again, it finds the node back by itself; what the node was told before is kept."""
    listener = listen()
    until(lambda: listener.is_connected)
    mosquitto.publish(200)
    until(lambda: len(starts(archive)) == 200)
    mosquitto.end(signal.SIGKILL)
    until(lambda: not listener.is_connected)
    until(lambda: len(tell(archive, "failed")) > 0)
    mosquitto.start()
    until(lambda: listener.is_connected)
    mosquitto.publish(200, first=200)
    until(lambda: len(starts(archive)) == 400)
    assert starts(archive) == list(range(400))
    assert len(tell(archive, "recovered")) == 1


def test_what_comes_while_the_node_is_away_comes_later(
    mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]
) -> None:
    """The session lasts, through a restart of the broker too."""
    listener = listen()
    until(lambda: listener.is_connected)
    listener.stop()
    mosquitto.publish(500)
    mosquitto.end(signal.SIGTERM)
    mosquitto.start()
    listen()
    until(lambda: len(starts(archive)) == 500)
    assert starts(archive) == list(range(500))


def test_a_flood_is_counted(mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]) -> None:
    """20,000 messages that nobody sends again (QoS 0) into an inbox of 10: those kept and those told lost are all."""
    listener = listen(room=10)
    until(lambda: listener.is_connected)
    mosquitto.publish(20_000, qos=0)
    # Another connection's message may overtake the flood.
    mosquitto.publish(1, first=20_000)
    until(lambda: starts(archive)[-1:] == [20_000], 60)
    until(lambda: len(starts(archive)) + count_lost(archive) == 20_001)
    listener.stop()
    assert count_lost(archive) > 0
    assert len(starts(archive)) + count_lost(archive) == 20_001


def test_a_flood_that_can_wait_is_kept_whole(
    mosquitto: Mosquitto, archive: Archive, listen: Callable[..., Listener]
) -> None:
    """5,000 messages of QoS 1 into an inbox of 10: the broker waits for the node, and nothing is lost."""
    listener = listen(room=10)
    until(lambda: listener.is_connected)
    mosquitto.publish(5_000)
    until(lambda: len(starts(archive)) == 5_000, 60)
    assert tell(archive, "overflow") == []


def count_lost(archive: Archive) -> int:
    """The messages that events tell as lost."""
    return sum(told["messages"] for told in tell(archive, "overflow"))


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"BROKER_USER": "node"}, "the environment has no BROKER_PASSWORD, which feed 'bins' needs"),
        ({"BROKER_USER": "node", "BROKER_PASSWORD": "wrong"}, "the broker refused the connection: Not authorized"),
    ],
)
def test_a_broker_that_refuses_is_a_failure(
    environ: dict[str, str], says: str, archive: Archive, listen: Callable[..., Listener]
) -> None:
    """It is the feed's, recorded with its reason and no secret; the node goes on trying."""
    listen(environ)
    until(lambda: len(tell(archive, "failed")) > 0)
    assert tell(archive, "failed")[0]["reason"] == says


def test_a_line_without_its_end_was_never_acknowledged(tmp_path: Path) -> None:
    """What a killed process left of a line is dropped: the broker sends the message again."""
    path = tmp_path / "mqtt" / "bins.jsonl"
    path.parent.mkdir()
    path.write_bytes(b'{"a":1}\n{"a":')
    spool = Spool(path)
    assert (spool.read(), spool.size) == (b'{"a":1}\n', 8)
    spool.append(b"{}\n")
    assert path.read_bytes() == b'{"a":1}\n{}\n'
