"""Durations, numbers and local times as English and French write them."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.trust.records import at

from passerelle.model.quantity import Quantity, list_quantities
from passerelle.trust.words import SIGNS, duration, local, say, to_microseconds, unit


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
    paris, london = (local(to_microseconds(at()), ZoneInfo(f"Europe/{name}")) for name in ("Paris", "London"))
    assert paris == {"en": "2 January 2023, 01:00", "fr": "2 janvier 2023 à 01:00"}
    assert london == {"en": "2 January 2023", "fr": "2 janvier 2023"}


@pytest.mark.parametrize("quantity", list_quantities(), ids=lambda one: one.name)
def test_units_are_no_codes(quantity: Quantity) -> None:
    """What stands behind a number has none of UCUM's signs: no braces, no `u` for micro, no dot between units."""
    assert not re.search(r"[{}()]|\bug\b|\w\.\w|[a-z]3|Cel", unit(quantity)["en"])


def test_the_pages_write_units_alike() -> None:
    """The codes that people write otherwise are the same ones, written alike, in the pages' own table."""
    table = (Path(__file__).parents[2] / "web" / "src" / "words" / "units.ts").read_text(encoding="utf-8")
    signs = table.partition("SIGNS")[2].partition("};")[0]
    shown = dict(re.findall(r'"?([^\s":]+)"?: "([^"]+)"', signs))
    assert shown == SIGNS
