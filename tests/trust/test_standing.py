"""What stands at a moment, and what values of several places make together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from passerelle.model.quantity import Statistic, get_quantity, list_quantities
from passerelle.trust.standing import choose_pooling, refuse_pooling, stands

NOON = datetime(2021, 5, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(st.integers(-6, 12), st.integers(1, 4))
def test_three_intervals(hours: int, length: int) -> None:
    """A value of so many hours stands at its start, and until three times as many have passed."""
    assert stands(NOON, NOON + length * HOUR, NOON + hours * HOUR) == (hours in range(3 * length))


def test_a_sum_is_for_what_adds_up() -> None:
    """Vehicles and megawatts add up, concentrations are averaged, of maxima the greatest is taken; delays, prices,
    settings and medians of several places make nothing together."""
    expected = {
        "bicycle_count": Statistic.SUM,
        "bikeshare_bikes_available": Statistic.SUM,
        "bikeshare_bikes_mean": Statistic.SUM,
        "electricity_generation": Statistic.SUM,
        "water_inflow": Statistic.SUM,
        "no2_hourly_mean": Statistic.MEAN,
        "pm2_5_raw": Statistic.MEAN,
        "air_temperature": Statistic.MEAN,
        "road_occupancy": Statistic.MEAN,
        "no2_daily_max": Statistic.MAX,
        "transit_next_arrival_delay": None,
        "electricity_price_day_ahead": None,
        "bin_fill_threshold": None,
        "report_resolution_median": None,
        "water_pipe_flow": None,
        "carshare_snapshots": None,
    }
    assert {name: choose_pooling(get_quantity(name)) for name in expected} == expected


def test_every_refusal_has_its_reason() -> None:
    """Each quantity is taken together in one way, or refused in words of both languages."""
    for quantity in list_quantities():
        reason = refuse_pooling(quantity)
        assert choose_pooling(quantity) or all(reason[language] for language in ("en", "fr"))
