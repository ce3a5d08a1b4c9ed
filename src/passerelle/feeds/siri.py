"""SIRI Vehicle Monitoring: how many vehicles a network shows in service, by line and in all (XML).

The counts hold from the delivery's own time for one cadence of the feed; the facet "" is every vehicle, a facet
those of one line. Zero is said of all vehicles only, for a delivery lists those it has, not the lines that have none.
A vehicle whose report is no longer valid isn't counted, and is told among the refused.

Vehicles keep their ids over days and would tell who drove where, so `scrub` drops the ids of vehicles, of their
day's work and of reports, whatever is said of drivers and crews, and publishers' own extensions.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, tostring

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._network import is_id, name_network
from passerelle.feeds._rows import assemble
from passerelle.feeds._xml import read_xml
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.interval import parse_time
from passerelle.model.place import Place

_QUANTITY = "transit_vehicles_in_service"
_NAMESPACE = "http://www.siri.org.uk/siri"
_DELIVERY = "VehicleMonitoringDelivery"

_PERSONAL = re.compile(r"(?:\{.*\})?(?:VehicleRef|BlockRef|ItemIdentifier|Extensions|(?:Driver|Crew)\w*)")
_SHOWN = 500


def scrub(body: bytes) -> bytes:
    """The reply without ids of vehicles, blocks and reports, without drivers and without extensions."""
    namespace, root = read_xml(Reply(body, datetime.now(UTC)))
    for parent in list(root.iter()):
        for child in list(parent):
            if _PERSONAL.fullmatch(child.tag):
                parent.remove(child)
    if namespace:
        root.set("xmlns", namespace)
    scrubbed: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return scrubbed


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Vehicles in service, by line and in all; `row` counts the reports."""
    if feed.cadence_seconds is None:
        raise ReplyError(f"nothing says how long the reply {reply.name!r} holds: a cadence is needed", where="cadence")
    whole = f"network:{name_network(feed)}"
    moment, activities = _read_deliveries(reply)
    counts, first = Counter({"": 0}), {"": 1}
    refused = []
    for row, activity in enumerate(activities, 1):
        try:
            line = _read_line(activity, moment)
        except InvalidValueError as error:
            refused.append((row, str(error), tostring(activity, encoding="unicode")[:_SHOWN]))
            continue
        for facet in {"", line}:
            counts[facet] += 1
            first.setdefault(facet, row)
    rows = [(facet, float(number), first[facet]) for facet, number in counts.items()]
    schema: dict[str, Any] = {"facet": pl.String, "value": pl.Float64, "row": pl.Int64}
    observations = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        place=pl.lit(whole),
        quantity=pl.lit(_QUANTITY),
        start=pl.lit(moment),
        end=pl.lit(moment + timedelta(seconds=feed.cadence_seconds)),
    )
    places = [Place(whole, "network", feed.publisher)]
    return assemble(places, observations, [pl.DataFrame(refused, schema=REFUSED, orient="row")])


def _read_deliveries(reply: Reply) -> tuple[datetime, list[Element]]:
    """The service's time and the vehicles' reports, of deliveries that are whole."""
    namespace, root = read_xml(reply)
    deliveries = root.findall(f"ServiceDelivery/{_DELIVERY}")
    if namespace != _NAMESPACE or root.tag != "Siri" or not deliveries:
        raise ReplyError(
            f"a Siri with {_DELIVERY} is needed, got {root.tag[:40]!r} of {namespace[:80]!r}", where="Siri"
        )
    for one in [*root.findall("ServiceDelivery"), *deliveries]:
        if (
            _word(one, "Status") == "false"
            or _word(one, "MoreData") == "true"
            or one.find("ErrorCondition") is not None
        ):
            raise ReplyError("the service says that it failed or has more than it gave", where="Status")
    try:
        moment = parse_time(_word(root, "ServiceDelivery/ResponseTimestamp"), where="ResponseTimestamp")
    except InvalidValueError as error:
        raise ReplyError(f"the delivery's time can't be read: {error}", where="ResponseTimestamp") from error
    if moment.year not in range(2000, 2200):
        raise ReplyError(f"the delivery's time is {moment.isoformat()}", where="ResponseTimestamp")
    return moment, [activity for one in deliveries for activity in one.findall("VehicleActivity")]


def _read_line(activity: Element, moment: datetime) -> str:
    """The line the vehicle runs on, "" where the report doesn't say."""
    if activity.find("MonitoredVehicleJourney") is None:
        raise InvalidValueError("a report without a journey", where="MonitoredVehicleJourney")
    until = _word(activity, "ValidUntilTime")
    if until and parse_time(until, where="ValidUntilTime") <= moment:
        raise InvalidValueError(f"valid until {until}, which is past", where="ValidUntilTime")
    line = _word(activity, "MonitoredVehicleJourney/LineRef")
    if line and not is_id(line):
        raise InvalidValueError(f"line {line[:40]!r} is no printable word of at most 100 characters", where="LineRef")
    return line


def _word(parent: Element, path: str) -> str:
    return (parent.findtext(path) or "").strip()


FORM = Form(
    name="siri",
    title="SIRI Vehicle Monitoring: vehicles in service by line (XML)",
    standard="SIRI 2.0 Vehicle Monitoring (CEN/TS 15531-3)",
    grade=Grade.FIXTURE,
    quantities=(_QUANTITY,),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
