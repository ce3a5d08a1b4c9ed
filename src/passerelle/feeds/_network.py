"""The places of public transport: one id for a stop, whichever form speaks of it."""

from __future__ import annotations

from passerelle.feeds.feed import Feed
from passerelle.model.errors import InvalidValueError

ID = r"^[^\pC]{1,100}$"
"""What an id of a stop, route or trip may be: publishers choose them freely, so this only keeps them printable."""


def name_network(feed: Feed) -> str:
    """The network whose ids the feed speaks of: the standards make stops unique within a publisher's data only.

    Feeds of one network, its timetable and its live state, name the same parameter `network`, so that their stops
    are the same places.
    """
    network = feed.parameters.get("network")
    if not isinstance(network, str) or not network:
        raise InvalidValueError(
            f"feed {feed.id!r}: a network is needed to tell its stops from others'", where="network"
        )
    return network


def is_id(text: str) -> bool:
    """Whether `text` may be an id, by the rule of `ID`."""
    return 0 < len(text) <= 100 and text.isprintable()
