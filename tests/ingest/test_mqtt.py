"""Listening to a real Mosquitto: what was acknowledged is kept, what isn't comes again, what finds no room is told."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.ingest.conftest import CITY
from tests.ingest.mosquitto import FEED, SECRETS, Mosquitto, listening, starts, tell, until

from passerelle.api.node import Node
from passerelle.archive import Archive, create_folder, open_archive
from passerelle.ingest.inbox import Spool
from passerelle.ingest.mqtt import Listener
from passerelle.registry.refused import list_refused


@pytest.fixture
def archive(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Archive]:
    """A city that listens to the broker."""
    city = tmp_path / "city.toml"
    city.write_text(CITY + FEED % mosquitto.port, encoding="utf-8")
    create_folder(tmp_path / "folder", city)
    archive = open_archive(tmp_path / "folder")
    yield archive
    archive.close()


@pytest.fixture
def listen(archive: Archive) -> Iterator[Callable[..., Listener]]:
    """`listen(room=...)`: a listener that was started; stopped in the end."""
    with ExitStack() as started:
        yield lambda *given, **named: started.enter_context(listening(archive, *given, **named))


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
