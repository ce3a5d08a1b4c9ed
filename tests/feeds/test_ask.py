"""The plain request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from passerelle.feeds._ask import ask_address
from passerelle.feeds.feed import Feed, Request
from passerelle.model.errors import InvalidValueError


def test_a_feed_names_where_its_keys_are(feeds: Mapping[str, Feed]) -> None:
    """The request holds names of variables, by header and by query key; a feed without keys has none."""
    feed = replace(feeds["geodair-no2-mean"], url="https://a.invalid/b")
    keys = {"secret_headers": {"X-Api-Key": "CITY_KEY"}, "secret_query": {"api_key": "CITY_511_KEY"}}
    assert ask_address(feed) == Request("https://a.invalid/b")
    assert ask_address(replace(feed, parameters={**feed.parameters, **keys})) == Request("https://a.invalid/b", **keys)


@pytest.mark.parametrize("names", [{"X-Api-Key": "the key itself"}, {"X-Api-Key": 5}, "CITY_KEY"])
def test_a_key_itself_is_refused(feeds: Mapping[str, Feed], names: object) -> None:
    """What is no variable's name, such as a key, is refused and not shown."""
    feed = replace(feeds["geodair-no2-mean"], url="https://a.invalid/b", parameters={"secret_headers": names})
    with pytest.raises(InvalidValueError, match="names environment variables") as refused:
        ask_address(feed)
    assert "the key itself" not in str(refused.value)
