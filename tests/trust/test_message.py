"""The message to whoever owns a feed."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerelle.feeds.city import read_city
from passerelle.model.interval import parse_time
from passerelle.model.quantity import get_quantity
from passerelle.trust.message import write_about_feed, write_about_series

REASON = {"en": "It stands still.", "fr": "Elle est figée."}


def test_nobody_is_called_unknown(checkout: Path) -> None:
    """A feed whose owner and address nobody knows: its publisher is written to, and no address is named."""
    feed = next(one for one in read_city(checkout / "cities" / "paris.toml").feeds if one.id == "autolib-events")
    assert feed.owner == "unknown"
    message = write_about_feed(feed, "Paris", 11, 936, [REASON], parse_time("2018-04-18T22:00:00Z"))
    for language in ("en", "fr"):
        assert "unknown" not in message.body[language]
        assert feed.publisher in message.body[language].splitlines()[0]
    assert "11 de ses 936 séries ne sont actuellement pas fiables" in message.body["fr"]
    assert "La dernière valeur fiable est du 19 avril 2018." in message.body["fr"]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "The last good value is 23.5 µg/m³, of 4 December 2025, 01:00."),
        ("fr", "La dernière valeur fiable est 23,5\u00a0µg/m³, du 4 décembre 2025 à 01:00."),
    ],
)
def test_the_last_good_value_is_as_people_write_it(checkout: Path, language: str, told: str) -> None:
    """Number, unit and the wall-clock time of Paris in each language; no line is broken within a sentence."""
    feed = next(one for one in read_city(checkout / "cities" / "paris.toml").feeds if one.id == "geodair-no2-mean")
    good = {"start": "2025-12-04T00:00:00Z", "end": "2025-12-05T00:00:00Z", "value": 23.5}
    quantity = get_quantity("no2_daily_mean")
    message = write_about_series(feed, "Paris", {"en": "NO2", "fr": "NO2"}, quantity, [REASON], good)
    assert told in message.body[language].splitlines()
    assert all(line.endswith((".", "?", ",", ":")) for line in message.body[language].splitlines()[1:-1] if line)
