"""EIA API v2: four recorded answers, hours named by their end, nulls and strings."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError, ReplyError

NAMES = {
    "BPAT": "Bonneville Power Administration",
    "CISO": "California Independent System Operator",
    "PGE": "Portland General Electric Company",
    "EIA": "as recorded",
}

Read = Callable[[str | bytes], Parsed]


@pytest.fixture(scope="module")
def read(parse: Callable[..., Parsed]) -> Read:
    """A reply read as this form."""
    return lambda body: parse("eia930-pge", body, form="eia_v2", parameters={"respondents": NAMES})


def row(**changes: Any) -> dict[str, Any]:
    return {
        "period": "2024-03-10T08",
        "respondent": "CISO",
        "respondent-name": "California Independent System Operator",
        "type": "D",
        "type-name": "Demand",
        "value": "23456",
        "value-units": "megawatthours",
    } | changes


def answer(*rows: object, **changes: Any) -> str:
    response = {"total": str(len(rows)), "frequency": "hourly", "data": list(rows)} | changes
    return json.dumps({"response": response, "apiVersion": "2.1.7"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "US_NW_BPAT-consumption.json",
            [("electricity_demand", "", 11, 6215.0), ("electricity_demand", "", 10, 4792.0)],
        ),
        (
            "US_NW_BPAT-wind.json",
            [("electricity_generation", "wind", 11, 20.0), ("electricity_generation", "wind", 12, 40.0)],
        ),
        # 11:00 is null: nothing was reported for that hour.
        ("US-NW-PGE-with-nulls.json", [("electricity_generation", "gas", 12, 400.0)]),
        ("US_CAL_IID-battery_storage.json", [("electricity_generation", "battery", 11, 1.0)]),
    ],
)
def test_recorded_answers_are_read(
    read: Read, shared_data: Path, name: str, expected: list[tuple[str, str, int, float]]
) -> None:
    """Each value stands for the hour that its period ends."""
    parsed = read((shared_data / "replies" / "eia_api_v2" / name).read_bytes())
    rows = parsed.observations.to_pylist()
    assert [(one["quantity"], one["facet"], one["end"].hour, one["value"]) for one in rows] == expected
    assert [one["start"].hour for one in rows] == [hour - 1 for _, _, hour, _ in expected]
    assert parsed.refused.num_rows == 0


def test_the_place_is_the_one_of_other_eia_files(read: Read) -> None:
    """A balancing authority has one id whichever file of EIA tells of it; numbers as strings are numbers."""
    parsed = read(answer(row(), row(type="DF", value=24000.5), row(value=-12)))
    assert [(place.id, place.kind, place.name) for place in parsed.places] == [
        ("balancing-area:CISO", "balancing_area", NAMES["CISO"])
    ]
    assert [(one["quantity"], one["facet"], one["value"]) for one in parsed.observations.to_pylist()] == [
        ("electricity_demand", "", 23456.0),
        ("electricity_demand_forecast", "day_ahead", 24000.5),
        ("electricity_demand", "", -12.0),
    ]
    assert parsed.observations["start"][0].as_py() == datetime(2024, 3, 10, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "TI"}, "type 'TI' in 'megawatthours' isn't known"),
        ({"fueltype": "NG"}, "type 'DNG' in"),
        ({"value-units": "gigawatthours"}, "in 'gigawatthours' isn't known"),
        ({"respondent": "a b"}, "'a b' is no respondent"),
        ({"respondent": None}, "'' is no respondent"),
        ({"period": "2024-03-10T08-07"}, "'2024-03-10T08-07' is not an hour"),
        ({"period": "2024-03-10"}, "'2024-03-10' is not an hour"),
        ({"period": "2024-03-10T24"}, "'2024-03-10T24' is not an hour"),
        ({"value": "n/a"}, "value is 'n/a', not a number"),
        ({"value": [1]}, "value is '[1]', not a number"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(read: Read, change: dict[str, Any], says: str) -> None:
    """The row is refused with its text, and the row beside it is read."""
    parsed = read(answer(row(**change), row()))
    assert parsed.observations["row"].to_pylist() == [2]
    ((number, reason, raw),) = [tuple(one.values()) for one in parsed.refused.to_pylist()]
    assert (number, says in reason, json.loads(raw)) == (1, True, row(**change))


def test_no_row_is_an_answer(read: Read) -> None:
    """An hour nobody has reported yet gives an empty list."""
    parsed = read(answer())
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"error":{"code":"API_KEY_MISSING"}}', "missing required field `response`"),
        ('{"response":{"frequency":"hourly"}}', "missing required field `data`"),
        (answer(frequency="local-hourly"), "the frequency is 'local-hourly'"),
        (answer(data={"a": 1}), "Expected `array`"),
        (answer(row())[:-9], "no JSON"),
        ("<html></html>", "markup"),
        ("", "empty"),
    ],
)
def test_what_is_no_answer_is_refused(read: Read, body: str, says: str) -> None:
    """Errors, other frequencies, pages and cut answers are a `ReplyError`."""
    with pytest.raises(ReplyError, match=says):
        read(body)


def test_a_feed_must_name_its_respondents(parse: Callable[..., Parsed]) -> None:
    """The names of the reply are not to be relied on."""
    with pytest.raises(InvalidValueError, match="respondents"):
        parse("eia930-pge", answer(), form="eia_v2", parameters={})
