"""How often 95 % intervals hold the truth in simulated cities where a change began at several times; writes a page.

Everything here is synthetic. In each city units draw by lot when they begin, or never; effects differ between groups
and grow with exposure at speeds of their own; outcomes have levels of units, times in common, and AR(1) errors. The
truth is the mean effect over groups and times by the groups' shares in the population the units are drawn from.
`--cities N` simulates so many, `--json` prints the shares and writes no page.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl

from machine import describe
from passerelle.lab.estimators.cs import estimate_cs
from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.panel import Floats, Panel, panel
from passerelle.lab.question import Question

SEED = 20261125
CITIES = 5000
UNITS, TIMES, GROUPS = (40, 150), (8, 16), (2, 4)
LARGEST_CORRELATION = 0.8
BURN_IN = 50


def main(cities: int, *, as_json: bool) -> None:
    """Print the shares, or write the page."""
    random = np.random.default_rng(SEED)
    table = pl.DataFrame([judge(random) for _ in range(cities)])
    if as_json:
        print(json.dumps({"cities": cities, "cs": table["cs"].mean(), "twfe": table["twfe"].mean()}))
        return
    kinds = {
        "all": pl.lit(value=True),
        "normal errors": ~pl.col("skewed"),
        "skewed errors (centred exponential)": pl.col("skewed"),
        "40 to 69 units": pl.col("units") < 70,
        "70 to 109 units": pl.col("units").is_between(70, 109),
        "110 to 150 units": pl.col("units") >= 110,
        "starts exchanged by lot, too few in a group": pl.col("exchanged"),
    }
    rows = "\n".join(row(name, table.filter(kind)) for name, kind in kinds.items())
    chance = 100 * 1.96 * np.sqrt(0.05 * 0.95 / cities)
    page = f"""\
# Coverage of 95 % intervals where a change began at several times

`.venv/bin/python bench/run.py lab_staggered`; {cities} simulated cities (synthetic), seed {SEED}; {describe()}.

{UNITS[0]} to {UNITS[1]} units that draw by lot when they begin, {TIMES[0]} to {TIMES[1]} times, {GROUPS[0]} to
{GROUPS[1]} starts, errors with a correlation up to {LARGEST_CORRELATION} from one time to the next. Effects differ
between groups and grow with exposure. The truth is the mean effect by the groups' shares in the population. The chance
error of a share near 95 % in all cities is ±{chance:.1f}. A band covers where it holds the effects at all times since
the start. Widths are means, in standard deviations of the errors.

| cities | number | cs: % covered | cs: bands, % | TWFE: % covered | cs: width | TWFE: width | TWFE: error, % |
|---|---|---|---|---|---|---|---|
{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def row(name: str, table: pl.DataFrame) -> str:
    """A line of the page."""
    shares = [100 * table[column].mean() if table[column].count() else None for column in ("cs", "bands", "twfe")]
    cells = ["" if share is None else f"{share:.1f}" for share in shares]
    widths = [
        f"{table[column].filter(table[column].is_finite()).mean() or 0:.2f}" for column in ("cs_width", "twfe_width")
    ]
    off = 100 * table["twfe_off"].mean() / table["truth"].mean() if len(table) else 0
    return f"| {name} | {len(table)} | {' | '.join(cells)} | {' | '.join(widths)} | {off:+.0f} |"


def judge(random: np.random.Generator) -> dict[str, float | bool | None]:
    """Whether the intervals of a new city hold its truth, and how wide they are."""
    data, effects, shares, skewed = simulate(random)
    after = np.isfinite(effects)
    weights = np.where(after, shares[:, None], 0.0)
    truth = float((weights * np.nan_to_num(effects)).sum() / weights.sum())
    cs, twfe = estimate_cs(data, Question()), estimate_twfe(data, Question())
    answer: dict[str, float | bool | None] = {
        name: bool(found.interval[0] <= truth <= found.interval[1]) for name, found in (("cs", cs), ("twfe", twfe))
    }
    exchanged = cs.inference == "exchange"
    since = event_truths(effects, weights)
    held = [low <= since[int(one.since)] <= high for one in cs.events if one.since >= 0 for low, high in [one.band]]
    return answer | {
        "bands": None if exchanged else all(held),
        "cs_width": cs.interval[1] - cs.interval[0],
        "twfe_width": twfe.interval[1] - twfe.interval[0],
        "twfe_off": twfe.effect - truth,
        "truth": truth,
        "skewed": skewed,
        "exchanged": exchanged,
        "units": len(data.units),
    }


def simulate(random: np.random.Generator) -> tuple[Panel, Floats, Floats, bool]:
    """A city; its groups' effects at each time, NaN before they begin; their shares in the population; its errors."""
    units, times, groups = (int(random.integers(low, high + 1)) for low, high in (UNITS, TIMES, GROUPS))
    starts = np.sort(random.choice(np.arange(2, times - 1), groups, replace=False))
    shares = random.dirichlet(np.full(groups + 1, 8.0))
    group = random.choice(groups + 1, units, p=shares)
    exposure = np.arange(times)[None, :] - starts[:, None]
    first, growth = random.normal(1, 0.5, size=(groups, 1)), random.exponential(0.4, size=(groups, 1))
    effects = np.where(exposure >= 0, first + growth * exposure, np.nan)
    skewed = bool(random.random() < 0.5)
    shocks = (
        random.exponential(size=(units, BURN_IN + times)) - 1
        if skewed
        else random.normal(size=(units, BURN_IN + times))
    )
    correlation = random.uniform(0, LARGEST_CORRELATION)
    for time in range(1, shocks.shape[1]):
        shocks[:, time] = correlation * shocks[:, time - 1] + np.sqrt(1 - correlation**2) * shocks[:, time]
    own = np.vstack([np.nan_to_num(effects), np.zeros(times)])[group] * random.uniform(0.5, 1.5, size=(units, 1))
    outcomes = random.normal(0, 2, size=(units, 1)) + random.normal(size=times).cumsum() + shocks[:, BURN_IN:] + own
    when = np.append(starts.astype(float), np.inf)[group]
    names = tuple(f"u{one}" for one in range(units))
    return panel(names, np.arange(float(times)), outcomes, when), effects, shares[:-1], skewed


def event_truths(effects: Floats, weights: Floats) -> dict[int, float]:
    """The mean effect so many times after the start, by the shares of the groups seen so late."""
    found: dict[int, float] = {}
    starts = np.isfinite(effects).argmax(axis=1)
    for since in range(effects.shape[1]):
        rows = np.flatnonzero(starts + since < effects.shape[1])
        columns = starts[rows] + since
        if len(rows):
            found[since] = float(np.average(effects[rows, columns], weights=weights[rows, columns]))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=int, default=CITIES, help="how many")
    parser.add_argument("--json", action="store_true", help="print the shares, write no page")
    given = parser.parse_args()
    main(given.cities, as_json=given.json)
