"""The plain request: a feed's own address, with the keys its publisher asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from passerelle.feeds.feed import Feed, Request
from passerelle.model.errors import InvalidValueError


def ask_address(feed: Feed) -> Request:
    """A request for the feed's address; an ended feed has none to ask.

    The feed's parameters `secret_headers` and `secret_query` name the environment variables that hold its keys, each by
    the header or the part of the query that carries it: `{"api_key": "CITY_511_KEY"}`.
    """
    if not feed.url:
        raise InvalidValueError(f"feed {feed.id!r} has no address: it is read from recorded files only", where="url")
    return Request(
        feed.url,
        secret_headers=_read_names(feed, "secret_headers"),
        secret_query=_read_names(feed, "secret_query"),
    )


def _read_names(feed: Feed, parameter: str) -> Mapping[str, str]:
    names = feed.parameters.get(parameter, {})
    if not isinstance(names, Mapping) or not all(re.fullmatch("[A-Z][A-Z0-9_]*", str(each)) for each in names.values()):
        raise InvalidValueError(
            f"feed {feed.id!r}: {parameter} names environment variables, such as CITY_KEY, by header or query key",
            where=f"parameters.{parameter}",
        )
    return names
