"""Published studies that the lab must reproduce, as panels: read from the folder of data that may not be shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from passerelle.lab.panel import Floats, Panel, panel

FOLDER = "sectors/policy_synthetic_control_refs"


def read_proposition_99(data: Path) -> Panel:
    """Packs of cigarettes a head in 39 states, 1970-2000; California taxes them from 1989 on."""
    table = pl.read_csv(data / FOLDER / "california_prop99_long.csv", separator=";")
    return _wide(table, "State", "Year", "PacksPerCapita", ["California"], 1989)


def read_geolift(data: Path) -> Panel:
    """An outcome in 40 cities on 105 days; two of them have the campaign on the last 15."""
    table = pl.read_csv(data / FOLDER / "geolift_test.csv")
    return _wide(table, "location", "date", "Y", ["chicago", "portland"], 90)


def read_germany(data: Path) -> tuple[pl.DataFrame, Panel]:
    """All facts, and income a head in 17 countries, 1960-2003; West Germany is reunited from 1990 on."""
    table = pl.read_csv(data / FOLDER / "germany.csv", infer_schema_length=None)
    return table, _wide(table, "country", "year", "gdp", ["West Germany"], 1990)


def read_basque(data: Path) -> tuple[pl.DataFrame, Panel]:
    """All facts, and product a head in 17 regions of Spain, 1955-1997; terror in the Basque Country from 1970 on."""
    table = pl.read_csv(data / FOLDER / "basque.csv").filter(pl.col("regionno") != 1)
    named = [name for name in table["regionname"].unique() if "Basque" in name]
    return table, _wide(table, "regionname", "year", "gdpcap", named, 1970)


def average(table: pl.DataFrame, unit: str, column: str, years: range) -> Floats:
    """The mean of what is known of a fact over some years, for each unit in the table's order."""
    chosen = table.filter(pl.col("year").cast(pl.Int64).is_in(list(years)))
    means = chosen.group_by(unit, maintain_order=True).agg(pl.col(column).cast(pl.Float64).mean())
    return means[column].to_numpy()


def _wide(table: pl.DataFrame, unit: str, time: str, outcome: str, treated: list[str], start: float) -> Panel:
    wide = table.pivot(on=time, index=unit, values=outcome)
    units = tuple(wide[unit])
    outcomes = wide.drop(unit).to_numpy().astype(float)
    columns = wide.columns[1:]
    times = np.arange(float(len(columns))) if "-" in columns[0] else np.array([float(one) for one in columns])
    return panel(units, times, outcomes, np.where(np.isin(units, treated), start, np.inf))
