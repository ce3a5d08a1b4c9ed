"""A Mosquitto on this machine, a feed that listens to it, and what came of that."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from passerelle.archive import Archive
from passerelle.feeds._http import Limits
from passerelle.ingest.ask import Asker
from passerelle.ingest.mqtt import Listener
from passerelle.lake.contract import Selection
from passerelle.registry.events import list_events

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


@contextmanager
def running(folder: Path) -> Iterator[Mosquitto]:
    """A broker with its files in `folder`, made here; CI must have Mosquitto."""
    # Debian has it where only root's path leads.
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI tests with Mosquitto, which is absent (setup/mosquitto.sh)")
        pytest.skip("Mosquitto is absent (setup/mosquitto.sh)")
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
