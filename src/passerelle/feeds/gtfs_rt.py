"""GTFS-Realtime, what a network says of itself now (protobuf): delays, vehicles, trips and alerts.

Everything holds from the message's own time, which is UTC, for one cadence of the feed:

- the delay of the next arrival and departure at each stop and of each route, as predicted. A time before the
  message's is past and none is next. Where a publisher gives times and no delays the timetable would have to be
  asked; such an entity is refused, and so is a delay without a time, for which of them is next can't be told;
- trips by what the publisher says of them, such as `scheduled`, `added` or `canceled`;
- vehicles that run a trip, by route, and in all under the facet "";
- alerts in force, by the route or stop they inform about, and in all under the facet "".

Zero is said of the network as a whole only: a message is the full set of what it speaks of. Ids needn't be in the
timetable: a stop that no timetable described is a place known by its id.

Vehicles keep their ids over days and would tell who drove where, so `scrub` drops them, the ids of carriages and
entities, and whatever extensions of a publisher's own may hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from google.transit.gtfs_realtime_pb2 import Alert, FeedEntity, FeedHeader, FeedMessage, TripDescriptor, TripUpdate

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._network import is_id, name_network
from passerelle.feeds._rows import assemble
from passerelle.feeds._text import read_bytes
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place

_ARRIVAL, _DEPARTURE = "transit_next_arrival_delay", "transit_next_departure_delay"
_TRIPS, _VEHICLES, _ALERTS = "transit_trips_updated", "transit_vehicles_in_service", "transit_alerts_active"

_EXTENSIONS = (range(1000, 2000), range(9000, 10000))
"""Field numbers that the standard leaves to publishers."""

_EARLIEST, _LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2200))
_SHOWN = 500


def scrub(body: bytes) -> bytes:
    """The message without ids of vehicles, carriages and entities, and without what the standard doesn't name."""
    message = _read(body)
    message.DiscardUnknownFields()
    for number, entity in enumerate(message.entity, 1):
        entity.id = str(number)
        if entity.HasField("trip_update"):
            entity.trip_update.ClearField("vehicle")
        if entity.HasField("vehicle"):
            entity.vehicle.ClearField("vehicle")
            for carriage in entity.vehicle.multi_carriage_details:
                carriage.ClearField("id")
                carriage.ClearField("label")
    scrubbed: bytes = message.SerializeToString(deterministic=True)
    return scrubbed


def _read(body: bytes) -> FeedMessage:
    """The message, or a `ReplyError` where the bytes are none or hold at its top what none of its versions has.

    A length that was harmed makes one entity swallow the next, which then is a field unknown there.
    """
    try:
        message: FeedMessage = FeedMessage.FromString(body)
    except DecodeError as error:
        raise ReplyError(f"the reply is no GTFS-Realtime message: {error}", where="body") from error
    if not message.IsInitialized() or message.header.incrementality != FeedHeader.FULL_DATASET:
        raise ReplyError("the reply lacks a field that every message has, or isn't the full data set", where="body")
    tops: list[Message] = [message, message.header, *message.entity]
    unknown = {field.field_number for top in tops for field in UnknownFieldSet(top)}
    strange = sorted(number for number in unknown if not any(number in reserved for reserved in _EXTENSIONS))
    if strange:
        raise ReplyError(f"the message has fields that the standard has not: {strange[:10]}", where="body")
    return message


@dataclass(slots=True)
class _Said:
    """What the entities say: counts by place, quantity and facet, delays by stop, and who can't be read."""

    network: str
    moment: int
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: dict[tuple[str, str, str], int] = field(default_factory=dict)
    next: dict[tuple[str, str, str], tuple[int, int | None, int]] = field(default_factory=dict)
    refused: list[tuple[int, str, str]] = field(default_factory=list)

    def count(self, row: int, quantity: str, things: Iterable[tuple[str, str]]) -> None:
        """One more of `quantity` at each place and facet, told by the entity at `row`."""
        for place, facet in things:
            self.counts[place, quantity, facet] += 1
            self.rows.setdefault((place, quantity, facet), row)


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Delays per stop and route, and counts of trips, vehicles and alerts, all from the message's time on."""
    if feed.cadence_seconds is None:
        raise ReplyError(f"nothing says how long the reply {reply.name!r} holds: a cadence is needed", where="cadence")
    network = name_network(feed)
    message = _read(read_bytes(reply))
    moment = message.header.timestamp
    if not _EARLIEST <= moment < _LATEST:
        raise ReplyError(f"the message's time is {moment}; seconds since 1970 are needed", where="timestamp")
    whole = f"network:{network}"
    said = _Said(network, moment)
    for row, entity in enumerate(message.entity, 1):
        try:
            reason = _hear(said, row, entity)
        except UnicodeDecodeError as error:
            reason = f"a word is no UTF-8: {error.reason}"
        if reason:
            said.refused.append((row, reason, _show(entity)))
    for quantity, facet in ((_VEHICLES, ""), (_ALERTS, ""), (_TRIPS, "canceled")):
        if quantity in feed.quantities:
            said.counts[whole, quantity, facet] += 0
    start = datetime.fromtimestamp(moment, UTC)
    observations = pl.DataFrame(
        list(_tell(said)),
        schema={"place": pl.String, "quantity": pl.String, "facet": pl.String, "value": pl.Float64, "row": pl.Int64},
        orient="row",
    ).with_columns(start=pl.lit(start), end=pl.lit(start + timedelta(seconds=feed.cadence_seconds)))
    refused = pl.DataFrame(said.refused, schema=REFUSED, orient="row")
    places = [Place(whole, "network", feed.publisher)] if whole in observations["place"] else []
    return assemble(places, observations, [refused])


def _tell(said: _Said) -> Iterator[tuple[str, str, str, float, int]]:
    for key, number in said.counts.items():
        yield *key, float(number), said.rows.get(key, 1)
    for key, (_, delay, row) in said.next.items():
        if delay is not None:
            yield *key, float(delay), row


def _hear(said: _Said, row: int, entity: FeedEntity) -> str:
    """Take down what the entity says; why it can't be read, or "" where it can."""
    trip = entity.trip_update.trip if entity.HasField("trip_update") else entity.vehicle.trip
    if entity.is_deleted:
        return "deleted, which a full data set has no use for"
    if trip.route_id and not is_id(trip.route_id):
        return "the id of the route is not a printable word of at most 100 characters"
    whole = f"network:{said.network}"
    if entity.HasField("trip_update"):
        return _hear_trip(said, row, entity.trip_update)
    if entity.HasField("vehicle"):
        if trip.trip_id or trip.route_id:
            said.count(row, _VEHICLES, {(whole, ""), (whole, trip.route_id)})
        return ""
    if entity.HasField("alert"):
        return _hear_alert(said, row, entity.alert)
    return "neither a trip, a vehicle nor an alert"


def _hear_trip(said: _Said, row: int, update: TripUpdate) -> str:
    relationship = TripDescriptor.ScheduleRelationship.Name(update.trip.schedule_relationship).lower()
    said.count(row, _TRIPS, [(f"network:{said.network}", relationship)])
    if relationship in ("canceled", "deleted"):
        return ""
    untold, events = 0, 0
    for call in update.stop_time_update:
        if call.schedule_relationship in (TripUpdate.StopTimeUpdate.SKIPPED, TripUpdate.StopTimeUpdate.NO_DATA):
            continue
        for name, quantity in (("arrival", _ARRIVAL), ("departure", _DEPARTURE)):
            if not call.HasField(name):
                continue
            event = getattr(call, name)
            events += 1
            if not is_id(call.stop_id) or not event.HasField("time") or not event.HasField("delay"):
                untold += 1
            if not is_id(call.stop_id) or not event.HasField("time") or event.time < said.moment:
                continue
            key = (f"stop:{said.network}:{call.stop_id}", quantity, update.trip.route_id)
            found = (event.time, event.delay if event.HasField("delay") else None, row)
            if key not in said.next or found[0] < said.next[key][0]:
                said.next[key] = found
    return f"{untold} of {events} arrivals and departures lack a stop's id, a time or a delay" if untold else ""


def _hear_alert(said: _Said, row: int, alert: Alert) -> str:
    periods = alert.active_period
    if periods and not any(_covers(period.start, period.end, said.moment) for period in periods):
        return ""
    whole = f"network:{said.network}"
    things = {(whole, "")}
    for informed in alert.informed_entity:
        route = informed.route_id or informed.trip.route_id
        if any(word and not is_id(word) for word in (route, informed.stop_id)):
            return "an id that the alert informs about is not a printable word of at most 100 characters"
        things.add((f"stop:{said.network}:{informed.stop_id}", route) if informed.stop_id else (whole, route))
    said.count(row, _ALERTS, things)
    return ""


def _covers(start: int, end: int, moment: int) -> bool:
    """Whether a period holds the moment; one without an end, or a beginning, has none (0)."""
    return start <= moment and (end == 0 or moment < end)


def _show(entity: FeedEntity) -> str:
    text: str = text_format.MessageToString(entity, as_one_line=True)
    return text[:_SHOWN]


FORM = Form(
    name="gtfs_rt",
    title="GTFS-Realtime: delays, trips, vehicles and alerts (protobuf)",
    standard="GTFS Realtime 1.0 and 2.0",
    grade=Grade.PROVEN,
    quantities=tuple(sorted((_ARRIVAL, _DEPARTURE, _TRIPS, _VEHICLES, _ALERTS))),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
