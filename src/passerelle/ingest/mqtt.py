"""Listens to MQTT brokers: a message is on the disk before the broker is told that it came.

A broker's messages go through a bounded inbox into a spool file, synced, and only then are acknowledged. Every few
seconds the spool becomes a reply, which is kept and admitted as any other. What a node leaves in the spool when it
ends becomes a reply when it listens again; what the broker wasn't told of, it sends again (QoS 1, a lasting session).
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from passerelle.archive.archive import Archive
from passerelle.archive.folder import MESSAGES, format_public_key
from passerelle.feeds.feed import Feed, Reply
from passerelle.feeds.mqtt_json import read_broker, write_line
from passerelle.ingest.ask import Asker
from passerelle.ingest.inbox import Inbox, Message, Spool
from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import format_time
from passerelle.registry.asks import Ask

MQTT = ("mqtt://", "mqtts://")
"""How addresses begin that are listened to."""

IN_FLIGHT = 200
"""Messages of QoS 1 that the broker may send before it is told of the first."""

SESSION_S = 7 * 86_400
"""How long the broker keeps messages for a node that is away."""

LARGEST = 1 << 20
"""Bytes of a message; the broker must send none larger."""

BATCH_BYTES = 4 << 20
SPOOL_BYTES = 64 << 20
"""What the spool may hold while the archive takes nothing, a full disk say. Then nothing more is acknowledged."""

_KEEPALIVE_S = 30
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 300.0
_PATIENCE_S = 10.0
_AGAIN_S = 5.0

_log = structlog.get_logger("passerelle.ingest")


class _TlsSocket(ssl.SSLSocket):
    """A socket that is closed where the handshake fails: paho leaves it open, and a node tries for weeks."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree on keys; `OSError` where the broker's certificate isn't good."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Listener:
    """One feed's broker, listened to from `start` to `stop`."""

    def __init__(
        self, archive: Archive, feed: Feed, asker: Asker, environ: Mapping[str, str], room: int = 10_000
    ) -> None:
        self.feed, self.broker = feed, read_broker(feed)
        self.inbox = Inbox(room)
        self._archive, self._asker, self._environ = archive, asker, environ
        self._random = Random()
        self._stopping, self._connected = threading.Event(), threading.Event()
        self._ended, self._all_came = threading.Event(), threading.Event()
        self._reason = ""
        self._session = 0
        self._client: Client | None = None
        self._listening = threading.Thread(target=self._listen, name=f"mqtt-{feed.id}", daemon=True)
        self._writing = threading.Thread(target=self._write, name=f"mqtt-{feed.id}-write", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._listening.start()
        self._writing.start()

    def stop(self) -> None:
        """Listen no more; what came is kept, what wasn't acknowledged stays with the broker."""
        if self._listening.ident is None:
            return
        self._stopping.set()
        if self._client is not None:
            self._client.disconnect()
        self._listening.join(_PATIENCE_S)
        self._all_came.set()
        self.inbox.wake()
        self._writing.join(_PATIENCE_S)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has taken the subscription."""
        return self._connected.is_set()

    def _listen(self) -> None:
        """Connect again and again, each failure in a row making the wait longer, drawn from its upper half."""
        failures = 0
        while not self._stopping.is_set():
            self._reason = ""
            try:
                self._serve()
            except Exception as error:  # noqa: BLE001  this is the door where a broker's failure, whatever it is, ends
                self._reason = (
                    str(error) if isinstance(error, InvalidValueError) else f"{type(error).__name__}: {error}"
                )
            failures = 1 if self._connected.is_set() else failures + 1
            self._connected.clear()
            if self._stopping.is_set():
                return
            self._asker.record_failure(self.feed.id, self._reason or "the broker closed the connection")
            longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures - 1, 16))
            self._stopping.wait(self._random.uniform(longest / 2, longest))

    def _serve(self) -> None:
        """Be connected until the connection ends."""
        self._client = client = self._make_client()
        connecting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connecting.SessionExpiryInterval, connecting.ReceiveMaximum = SESSION_S, IN_FLIGHT
        connecting.MaximumPacketSize = LARGEST
        self._ended.clear()
        client.connect(self.broker.host, self.broker.port, _KEEPALIVE_S, clean_start=False, properties=connecting)
        client.loop_start()
        if self._stopping.is_set():
            client.disconnect()
        self._ended.wait()
        client.loop_stop()

    def _make_client(self) -> Client:
        key = hashlib.sha256(format_public_key(self._archive.key).encode()).hexdigest()[:12]
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"passerelle-{key}-{self.feed.id}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        # An error in a callback would end paho's thread without a word, and the wait for its end with it.
        client.suppress_exceptions = True
        listen = self.broker.listen
        if listen.user is not None:
            client.username_pw_set(self._secret(listen.user), listen.password and self._secret(listen.password))
        if self.broker.tls:
            context = ssl.create_default_context()
            context.sslsocket_class = _TlsSocket
            client.tls_set_context(context)
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect
        return client

    def _secret(self, variable: str) -> str:
        if variable not in self._environ:
            raise InvalidValueError(
                f"the environment has no {variable}, which feed {self.feed.id!r} needs", where=variable
            )
        return self._environ[variable]

    def _on_connect(
        self, client: Client, _: object, __: ConnectFlags, code: ReasonCode, ___: Properties | None
    ) -> None:
        if code.is_failure:
            self._reason = f"the broker refused the connection: {code}"
            return
        self._session += 1
        # What is retained was sent with the first subscription; sent again it would say nothing new.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        client.subscribe(self.broker.topic, options=options)

    def _on_subscribe(
        self, client: Client, _: object, __: int, codes: list[ReasonCode], ___: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._reason = f"the broker refused {self.broker.topic!r}: {codes[0]}"
            client.disconnect()
            return
        self._connected.set()
        self._asker.record_answer(Ask(self.feed.id, datetime.now(UTC)))

    def _on_disconnect(
        self, _: Client, __: object, ___: DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        if code.is_failure and not self._reason:
            self._reason = f"the connection broke: {code}"
        self._ended.set()

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        """Hand over: the broker's connection must not wait for the disk."""
        received = format_time(self._archive.clock.read())
        line = write_line(message.topic, bytes(message.payload), received, retained=message.retain)
        self.inbox.put(Message(line, message.mid, message.qos, self._session))

    def _write(self) -> None:
        """Bring messages to the spool and the spool to the archive, until the node stops and all is kept."""
        spool = Spool(self._archive.folder / MESSAGES / f"{self.feed.id}.jsonl")
        due = time.monotonic()
        while True:
            is_last = self._all_came.is_set()
            try:
                self._take(spool)
                if spool.size and (is_last or time.monotonic() >= due or spool.size >= BATCH_BYTES):
                    self._file(spool)
                    due = time.monotonic() + self.broker.listen.seconds
            except Exception as error:  # noqa: BLE001  what can't be kept now waits in the spool and with the broker
                _log.warning("messages wait", feed=self.feed.id, reason=str(error), kind=type(error).__name__)
                due = time.monotonic() + _AGAIN_S
                self._all_came.wait(_AGAIN_S)
            if is_last:
                self._tell_lost()
                return

    def _take(self, spool: Spool) -> None:
        """Write what came to the disk, then tell the broker."""
        messages = self.inbox.take(min(1.0, self.broker.listen.seconds / 4))
        if not messages:
            return
        if spool.size >= SPOOL_BYTES:
            self.inbox.give_back(messages)
            self._file(spool)
            return
        try:
            spool.append(b"".join(message.line for message in messages))
        except OSError:
            self.inbox.give_back(messages)
            raise
        for message in messages:
            # Of an older connection the broker expects no word: it sends the message again.
            if message.qos and message.session == self._session and self._client is not None:
                self._client.ack(message.mid, message.qos)

    def _file(self, spool: Spool) -> None:
        """Make a reply of the spool and admit it, and tell what found no room meanwhile."""
        reply = Reply(spool.read(), self._archive.clock.read(), "application/x-ndjson", "mqtt")
        kept = self._archive.keep(self.feed.id, reply)
        spool.clear()
        self._tell_lost()
        self._archive.admit(kept.reply_id)
        if self._connected.is_set():
            self._asker.record_answer(Ask(self.feed.id, datetime.now(UTC), reply=kept.reply_id))

    def _tell_lost(self) -> None:
        if lost := self.inbox.take_lost():
            self._archive.events.record("overflow", {"messages": lost, "room": self.inbox.room}, self.feed.id)
