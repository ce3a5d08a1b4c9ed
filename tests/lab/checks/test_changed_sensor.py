"""A sensor's step is no effect; the same step in several units is not taken for a sensor's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.changed_sensor import check_changed_sensor
from passerelle.lab.context import Context, SensorMark


def test_a_step_in_one_treated_unit_is_not_an_effect() -> None:
    """One of ten treated steps by 30 at the change, the others by nothing: 30 / 10 = 3 seen on average."""
    city = draw(2, 10, 24)
    city.outcomes[0, 24:] += 30
    one = case(city)
    found = check_changed_sensor(one)
    assert one.result.effect == pytest.approx(3, abs=0.5)
    assert (*told(found), found.names["unit"]) == ("failed", "odd", "place 0")


def test_a_real_effect_in_all_treated_units_is_not_blocked() -> None:
    """The same mean rise, shared by ten units: passed, of 100 simulated cities in at least 97."""
    outcomes = [check_changed_sensor(case(draw(seed, 10, 24, effect=3))).outcome.value for seed in range(100)]
    assert outcomes.count("passed") >= 97


def test_a_recorded_change_of_all_treated_sensors_blocks() -> None:
    """All treated sensors were changed with the works: what moved can't be told from it."""
    city = draw(3, effect=5)
    marks = tuple(SensorMark(unit, 24.0) for unit in range(10))
    assert told(check_changed_sensor(case(city, Context(sensors=marks)))) == ("failed", "marked")


def test_a_recorded_change_of_one_of_many_is_left_out() -> None:
    """The effect stands without the one marked unit, be it treated or of the comparison."""
    city = draw(4, 12, 24, effect=5)
    for unit in (0, 20):
        found = check_changed_sensor(case(city, Context(sensors=(SensorMark(unit, 24.0),))))
        assert told(found) == ("passed", "same_without")


@pytest.mark.parametrize("at", [16, 30])
def test_a_step_at_another_time_blocks(at: int) -> None:
    """Treated sensors that all step eight times before the change, or six after it."""
    city = draw(5)
    city.outcomes[:10, at:] += 8
    assert told(check_changed_sensor(case(city))) == ("failed", "elsewhere")


def test_lost_decimals_block() -> None:
    """The treated instruments give whole numbers after the change, the others tenths before and after."""
    city = draw(6, effect=5)
    rounded = np.round(city.outcomes, 1)
    rounded[:10, 24:] = np.rint(rounded[:10, 24:])
    city.outcomes[:] = rounded
    assert told(check_changed_sensor(case(city))) == ("failed", "decimals")


def test_without_records_two_units_confirm_nothing() -> None:
    """A step at the very date in two units, and nobody asked about their sensors."""
    assert told(check_changed_sensor(case(draw(7, 2, 24, effect=12)))) == ("not_applicable", "not_known")
