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


def _read_germany(data: Path) -> tuple[pl.DataFrame, Panel]:
    """All facts, and income a head in 17 countries, 1960-2003; West Germany is reunited from 1990 on."""
    table = pl.read_csv(data / FOLDER / "germany.csv", infer_schema_length=None)
    return table, _wide(table, "country", "year", "gdp", ["West Germany"], 1990)


def _read_basque(data: Path) -> tuple[pl.DataFrame, Panel]:
    """All facts, and product a head in 17 regions of Spain, 1955-1997; terror in the Basque Country from 1970 on."""
    table = pl.read_csv(data / FOLDER / "basque.csv").filter(pl.col("regionno") != 1)
    named = [name for name in table["regionname"].unique() if "Basque" in name]
    return table, _wide(table, "regionname", "year", "gdpcap", named, 1970)


def _average(table: pl.DataFrame, unit: str, column: str, years: range) -> Floats:
    """The mean of what is known of a fact over some years, for each unit in the table's order."""
    chosen = table.filter(pl.col("year").cast(pl.Int64).is_in(list(years)))
    means = chosen.group_by(unit, maintain_order=True).agg(pl.col(column).cast(pl.Float64).mean())
    return means[column].to_numpy()


def read_germany_facts(data: Path) -> tuple[dict[int, Floats], Panel]:
    """Six facts, in the years before 1981 by which importances are found and in those before 1990; incomes."""
    table, known = _read_germany(data)
    facts = {}
    for start, invest, schooling in ((1971, "invest70", 1970), (1981, "invest80", 1980)):
        years = range(start, start + 10)
        columns = [_average(table, "country", name, years) for name in ("gdp", "trade", "infrate", "industry")]
        columns.append(_average(table, "country", "schooling", range(schooling, schooling + 6, 5)))
        columns.append(_average(table, "country", invest, range(1980, 1981)))
        facts[start] = np.column_stack(columns)
    return facts, known


def read_basque_facts(data: Path) -> tuple[Floats, Floats, Panel]:
    """Thirteen facts as in the package Synth's example, product a head of 1960-1969, and the panel."""
    table, known = _read_basque(data)

    def mean(column: str, first: int, last: int) -> Floats:
        return _average(table, "regionname", column, range(first, last + 1))

    levels = ("illit", "prim", "med", "high", "post.high")
    schooled = np.array([mean(f"school.{level}", 1964, 1969) for level in levels])
    # The two highest levels together, and shares of the people instead of counts.
    schooled = 100 * np.vstack([schooled[:3], schooled[3] + schooled[4]]) / schooled.sum(axis=0)
    sectors = ("agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa")
    facts = np.column_stack(
        [
            *schooled,
            mean("invest", 1964, 1969),
            mean("gdpcap", 1960, 1969),
            *(mean(f"sec.{sector}", 1961, 1969) for sector in sectors),
            mean("popdens", 1969, 1969),
        ]
    )
    return facts, known.outcomes[:, (known.times >= 1960) & (known.times < 1970)], known


def _wide(table: pl.DataFrame, unit: str, time: str, outcome: str, treated: list[str], start: float) -> Panel:
    wide = table.pivot(on=time, index=unit, values=outcome)
    units = tuple(wide[unit])
    outcomes = wide.drop(unit).to_numpy().astype(float)
    columns = wide.columns[1:]
    times = np.arange(float(len(columns))) if "-" in columns[0] else np.array([float(one) for one in columns])
    return panel(units, times, outcomes, np.where(np.isin(units, treated), start, np.inf))
