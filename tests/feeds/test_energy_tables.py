"""Tables of France's electricity that others made, read by a mapping: they judge the forms from outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed

Parse = Callable[..., Parsed]

WIND: dict[str, Any] = {
    "file": {"format": "csv", "header": False},
    "time": {"columns": ["1"], "format": "%Y-%m-%d %H:%M", "marks": "start", "length": "PT1H"},
    "places": [{"id": "region:idf", "kind": "region", "name": "Île-de-France"}],
    "value": [
        {
            "column": "2",
            "quantity": "electricity_generation",
            "facet": "wind",
            "factor": 0.001,
            "factor_source": "1000 kWh in an hour are 1 MW",
        }
    ],
}

SOURCES = {
    "Biomass": "biomass",
    "Fossil Gas": "gas",
    "Fossil Hard coal": "hard_coal",
    "Fossil Oil": "oil",
    "Hydro Pumped Storage": "pumped_storage",
    "Hydro Run-of-river and poundage": "run_of_river",
    "Hydro Water Reservoir": "reservoir",
    "Nuclear": "nuclear",
    "Solar": "solar",
    "Waste": "waste",
    "Wind Onshore": "wind_onshore",
}
GENERATION: dict[str, Any] = {
    "file": {"format": "csv"},
    "time": {"columns": ["1"], "format": "%Y-%m-%d %H:%M:%S", "marks": "start", "length": "PT1H"},
    "places": [{"id": "bidding-zone:FR", "kind": "bidding_zone", "name": "France"}],
    "value": [
        {"column": column, "quantity": "electricity_generation", "facet": facet} for column, facet in SOURCES.items()
    ],
}


def test_another_reading_of_rtes_files_is_ours(parse: Parse, shared_data: Path) -> None:
    """A competition's organisers made wind energy per UTC hour of the same files: each hour we have whole is the same.

    1,247 days from 1 January 2017 to 31 May 2020 are 29,927 hours in UTC, summer having begun; the first is before the
    organisers' first, and of each of three autumns the hour is missing that the files don't hold. The organisers
    filled those.
    """
    ours = pl.concat(
        pl.DataFrame(parse("eco2mix", path.read_bytes(), name=path.name).observations)
        for path in sorted(find_data_file("eco2mix_idf/README.md").parent.glob("*.gz"))
    )
    hours = (
        ours.filter(pl.col("facet") == "wind")
        .group_by(pl.col("start").dt.truncate("1h"))
        .agg(pl.col("value").mean(), halves=pl.len())
    )
    assert hours["halves"].unique().to_list() == [2]
    body = (shared_data / "sectors" / "elec_idf_eco2mix" / "energy-ile-de-france.csv").read_bytes()
    parsed = parse("eco2mix", body, form="mapped", parameters=WIND, time_zone=ZoneInfo("UTC"))
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (31_152, 0)
    both = hours.join(pl.DataFrame(parsed.observations), on="start", suffix="_of_others")
    assert both.height == 29_927 - 1 - 3
    assert both.select((pl.col("value") - pl.col("value_of_others")).abs().max()).item() < 1e-9


@pytest.fixture(scope="module")
def generation(parse: Parse, shared_data: Path) -> pl.DataFrame:
    """France's generation by source from 20 December 2019 to 9 January 2021."""
    body = (shared_data / "sectors" / "elec_fr_generation_2020" / "fr_production.csv").read_bytes()
    parsed = parse("eco2mix", body, form="mapped", parameters=GENERATION, time_zone=ZoneInfo("UTC"))
    assert parsed.refused.num_rows == 0
    return pl.DataFrame(parsed.observations)


def test_what_pumps_draw_is_negative_and_kept(generation: pl.DataFrame) -> None:
    """387 days of 24 hours and 11 sources; `cut -d, -f6 | sort -g` shows pumps from -3,894 to 3,763 MW."""
    assert generation.height == 387 * 24 * 11
    pumps = generation.filter(pl.col("facet") == "pumped_storage")["value"]
    assert (pumps.min(), pumps.max()) == (-3894.0, 3763.0)


def test_the_sun_is_highest_at_noon_of_the_same_clock_all_year(generation: pl.DataFrame) -> None:
    """Near 11:50 UTC in Paris: the middle of a day's solar power stands there before and after a change of clocks."""
    sun = generation.filter(pl.col("facet") == "solar")
    middle = pl.col("start").dt.hour() + 0.5
    for first, last in ((date(2020, 3, 1), date(2020, 3, 28)), (date(2020, 3, 30), date(2020, 4, 25))):
        days = sun.filter(pl.col("start").dt.date().is_between(first, last))
        noon = days.select((pl.col("value") * middle).sum() / pl.col("value").sum()).item()
        assert noon == pytest.approx(11 + 50 / 60, abs=0.25)


def test_generation_goes_with_the_load_of_its_hour(parse: Parse, generation: pl.DataFrame, shared_data: Path) -> None:
    """In the nine days of 2021 that both tables have, changes from hour to hour agree best without a shift."""
    body = (shared_data / "sectors" / "elec_fr_entsoe_load" / "fr_load_2021.csv").read_bytes()
    parsed = parse("eco2mix", body, form="entsoe_csv", parameters={"zone": "FR", "zone_name": "France"})
    load = pl.DataFrame(parsed.observations).filter(
        pl.col("quantity") == "electricity_demand", pl.col("start") < datetime(2021, 1, 10, tzinfo=UTC)
    )
    total = generation.group_by("start").agg(supply=pl.col("value").sum())

    def agree(hours: int) -> float:
        moved = total.with_columns(pl.col("start") + pl.duration(hours=hours)).join(load, on="start").sort("start")
        return float(moved.select(pl.corr(pl.col("supply").diff(), pl.col("value").diff())).item())

    assert agree(0) > max(agree(-1), agree(1)) > 0
