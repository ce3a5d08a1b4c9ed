"""Durations, numbers and local times as English and French write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from tests.trust.records import at

from passerelle.trust.words import duration, local, say, to_microseconds


@pytest.mark.parametrize(
    ("seconds", "en", "fr"),
    [
        (1, "1 second", "1 seconde"),
        (3600, "60 minutes", "60 minutes"),
        (86400, "24 hours", "24 heures"),
        (7 * 86400, "7 days", "7 jours"),
        (10 * 365.25 * 86400, "10 years", "10 ans"),
    ],
)
def test_durations(seconds: float, en: str, fr: str) -> None:
    """The largest unit of which there is at least one and a half."""
    assert duration(seconds) == {"en": en, "fr": fr}


def test_numbers_are_written_as_the_language_does() -> None:
    """French parts thousands by a no-break space and writes a decimal comma."""
    assert say("{n}", "{n}", n=-1234567.0) == {"en": "-1,234,567", "fr": "-1\u00a0234\u00a0567"}
    assert say("{n}", "{n}", n=0.25) == {"en": "0.25", "fr": "0,25"}


def test_local_times_are_of_the_zone() -> None:
    """Midnight UTC of 2 January is one in the morning in Paris and midnight in London."""
    assert local(to_microseconds(at()), ZoneInfo("Europe/Paris")) == "2023-01-02 01:00"
    assert local(to_microseconds(at()), ZoneInfo("Europe/London")) == "2023-01-02"
