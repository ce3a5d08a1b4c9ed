"""The plain request: a feed's own address, nothing added."""

from __future__ import annotations

from passerelle.feeds.feed import Feed, Request
from passerelle.model.errors import InvalidValueError


def ask_address(feed: Feed) -> Request:
    """A request for the feed's address; an ended feed has none to ask."""
    if not feed.url:
        raise InvalidValueError(f"feed {feed.id!r} has no address: it is read from recorded files only", where="url")
    return Request(feed.url)
