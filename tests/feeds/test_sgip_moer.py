"""Marginal emissions: which time a rate and a forecast stand for, in hours and in rows of five minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError

FEED = "sgip-moer-pge"
HEADER = "time,moer,n,moer_forecast_1h_ahead,moer_forecast_3h_ahead\n"
Parse = Callable[..., Parsed]


@pytest.fixture(scope="module")
def hours(parse: Parse) -> pl.DataFrame:
    """The bundled file's observations."""
    body = find_data_file("moer_pge/caiso_pge_moer_hourly_2019_2021.csv").read_bytes()
    return pl.DataFrame(parse(FEED, body).observations)


@pytest.fixture(scope="module")
def rows(parse: Parse, shared_data: Path) -> pl.DataFrame:
    """The observations of the recorded month of five minutes."""
    body = (shared_data / "sectors" / "elec_ca_pge_moer" / "SGIP_CAISO_PGE_2020-09.csv.gz").read_bytes()
    parsed = parse(FEED, body)
    assert parsed.refused.num_rows == 0
    return pl.DataFrame(parsed.observations)


def test_a_forecast_stands_for_the_time_it_is_about(parse: Parse) -> None:
    """The file's first row: a rate of its hour, forecasts of five minutes one and three hours after its beginning."""
    parsed = parse(FEED, HEADER + "2019-04-30 00:00:00+00:00,0.15932,12,0.15918,0.32786\n")
    told = [
        (row["quantity"], row["facet"], row["start"].strftime("%H:%M"), row["end"].strftime("%H:%M"), row["value"])
        for row in parsed.observations.to_pylist()
    ]
    assert told == [
        ("electricity_marginal_emissions", "", "00:00", "01:00", 0.15932),
        ("electricity_marginal_emissions_forecast", "60_min_ahead", "01:00", "01:05", 0.15918),
        ("electricity_marginal_emissions_forecast", "180_min_ahead", "03:00", "03:05", 0.32786),
    ]
    assert [(place.id, place.kind) for place in parsed.places] == [("grid-region:SGIP_CAISO_PGE", "grid_region")]


def test_the_recorded_month_has_37_values_a_row(rows: pl.DataFrame) -> None:
    """9,216 rows (`zcat | wc -l` 9,217) of a rate and 36 forecasts, of five minutes each."""
    assert rows.height == 9_216 * 37
    assert rows.select((pl.col("end") - pl.col("start")).unique()).to_series().to_list() == [timedelta(minutes=5)]


def test_an_hour_is_the_mean_of_its_rows(hours: pl.DataFrame, rows: pl.DataFrame) -> None:
    """In the 768 hours both files have, the rate is the mean of the twelve five minutes from the hour's beginning."""
    rates = rows.filter(pl.col("quantity") == "electricity_marginal_emissions")
    means = rates.group_by(pl.col("start").dt.truncate("1h")).agg(mean=pl.col("value").mean())
    both = hours.filter(pl.col("quantity") == "electricity_marginal_emissions").join(means, on="start")
    assert both.height == 32 * 24
    assert both.select((pl.col("value") - pl.col("mean")).abs().max()).item() < 0.5e-5 * 1.001


def test_both_files_forecast_the_same_times(hours: pl.DataFrame, rows: pl.DataFrame) -> None:
    """A forecast of one file is that of the other for the same five minutes, made as long before."""
    keys = ["facet", "start", "end"]
    both = hours.filter(pl.col("quantity") == "electricity_marginal_emissions_forecast").join(
        rows, on=keys, suffix="_of_rows"
    )
    assert both.height == 2 * 32 * 24
    assert both.select((pl.col("value") - pl.col("value_of_rows")).abs().max()).item() < 0.5e-5 * 1.001


@pytest.mark.parametrize(("lead", "error"), [(60, 0.0799), (180, 0.0884)])
def test_forecasts_are_nearest_to_the_rates_of_their_time(rows: pl.DataFrame, lead: int, error: float) -> None:
    """Moved by half an hour either way they miss by more: the root mean square errors worked out beside the form."""
    rates = rows.filter(pl.col("facet") == "").select("start", rate="value")
    forecasts = rows.filter(pl.col("facet") == f"{lead}_min_ahead")

    def miss(minutes: int) -> float:
        moved = forecasts.with_columns(pl.col("start") + pl.duration(minutes=minutes)).join(rates, on="start")
        return float(moved.select(((pl.col("value") - pl.col("rate")) ** 2).mean().sqrt()).item())

    assert miss(0) == pytest.approx(error, abs=2e-4)
    assert miss(0) < min(miss(-30), miss(30))


def test_a_rate_near_none_is_a_number(hours: pl.DataFrame) -> None:
    """The file writes 8e-05 (`grep -n e-`, three rows)."""
    at = pl.col("start") == datetime(2020, 5, 10, 17, tzinfo=UTC)
    assert hours.filter(at & (pl.col("facet") == ""))["value"].to_list() == [0.00008]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2019-04-30 00:00:00,0.1,12,0.1,0.1\n", "is not the beginning of 60 minutes with its offset"),
        ("2019-04-30 00:05:00+00:00,0.1,12,0.1,0.1\n", "is not the beginning of 60 minutes with its offset"),
        ("2019-04-30 00:00:00+00:00,0.1,11,0.1,0.1\n", "the mean of 11 rates; 12 make an hour"),
        ("2019-04-30 00:00:00+00:00,x,12,,\n", "moer is 'x', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(parse: Parse, line: str, says: str) -> None:
    """A time without an offset or within an hour, part of an hour, and words are refused; blank is no value."""
    parsed = parse(FEED, HEADER + line)
    assert (parsed.observations.num_rows, parsed.refused["raw"].to_pylist()) == (0, [line.strip()])
    assert says in parsed.refused["reason"][0].as_py()


def test_a_feed_must_name_its_region(parse: Parse) -> None:
    """The file doesn't say whose emissions it holds."""
    with pytest.raises(InvalidValueError, match="region_code"):
        parse(FEED, HEADER, parameters={})
