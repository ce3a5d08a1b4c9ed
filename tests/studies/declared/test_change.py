"""A change says what was done, when, and who says so."""

from __future__ import annotations

import msgspec
import pytest

from passerelle.model.errors import InvalidValueError
from passerelle.studies.declared.change import Change

TEXT = {"en": "a", "fr": "b"}
CHANGE = {
    "id": "lane",
    "sector": "mobility",
    "title": TEXT,
    "what": TEXT,
    "where": {"name": TEXT},
    "start": "2021-01-16T18:00:00+01:00",
    "by": "city",
    "link": [{"title": "decree", "url": "https://example.org/"}],
}


def test_times_are_shown_in_utc() -> None:
    """18:00 in Paris in winter is 17:00 UTC."""
    assert msgspec.convert(CHANGE, Change).document["start"] == "2021-01-16T17:00:00Z"


@pytest.mark.parametrize(
    ("key", "value"),
    [("link", []), ("start", "2021-01-16T18:00:00"), ("sector", "magic"), ("title", {"en": "a"}), ("cost", 3)],
)
def test_what_is_missing_or_strange_is_refused(key: str, value: object) -> None:
    """No source, no time zone, no such sector, no French, a key nobody reads."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**CHANGE, key: value}, Change)


def test_an_end_before_the_start_is_refused() -> None:
    """A change lasts."""
    with pytest.raises((InvalidValueError, msgspec.ValidationError), match="before it starts"):
        msgspec.convert({**CHANGE, "end": "2021-01-15T18:00:00+01:00"}, Change)
