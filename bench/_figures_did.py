"""Difference in differences: mpdta of R's package did (teen employment and minimum wages), and Proposition 99."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from _figure import Figures
from passerelle.lab.estimators.cs import estimate_cs
from passerelle.lab.estimators.did import estimate_did
from passerelle.lab.estimators.twfe import estimate_twfe
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.inference.group_time import estimate_group_time
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question

R_DID = "R's [did](https://bcallaway11.github.io/did/), as in the reference files of [csdid](https://pypi.org/project/csdid/)"
MEANS = ("simple", "group", "dynamic", "calendar")
FIRST_YEAR = 2003


def teens(folder: Path, *traits: str) -> Panel:
    """500 counties, 2003 to 2007."""
    columns = Columns("countyreal", "year", "lemp", first="first.treat", traits=traits)
    return read_panel(folder / "mpdta.csv", columns).panel


def group_times(folder: Path) -> Mapping[str, float]:
    """Each ATT(g, t)."""
    return {
        f"ATT({part.at[0] + FIRST_YEAR:.0f}, {part.at[1] + FIRST_YEAR:.0f})": part.effect
        for part in estimate_cs(teens(folder), Question()).parts
        if part.kind == "group_time"
    }


def means(folder: Path) -> Mapping[str, float]:
    """The four means and their errors."""
    found = {part.kind: part for part in estimate_cs(teens(folder), Question()).parts if not part.at}
    return {kind: found[kind].effect for kind in MEANS} | {f"{kind}, se": found[kind].se for kind in MEANS}


def means_not_yet(folder: Path) -> Mapping[str, float]:
    """The four means against units that had not begun yet."""
    found = estimate_group_time(teens(folder), not_yet=True)
    return {kind: getattr(found, kind)().effect for kind in MEANS}


def means_with_trait(folder: Path) -> Mapping[str, float]:
    """The four means with the logarithm of the population."""
    found = {part.kind: part for part in estimate_cs(teens(folder, "lpop"), Question()).parts if not part.at}
    return {kind: found[kind].effect for kind in MEANS}


def two_way(folder: Path) -> Mapping[str, float]:
    """The coefficient of two-way fixed effects and its error."""
    found = estimate_twfe(teens(folder), Question())
    return {"coefficient": found.effect, "coefficient, se": found.se}


def california(_: Path) -> Mapping[str, float]:
    """California's sales from 1989 on against the mean of 38 states."""
    path = Path(__file__).parents[1] / "data" / "prop99" / "california_prop99_long.csv"
    columns = Columns("State", "Year", "PacksPerCapita")
    data = read_panel(path, columns, treated=["California"], start="1989").panel
    return {"effect, packs a head": estimate_did(data, Question(method="did")).effect}


DID_FIGURES = (
    Figures(
        "mpdta, Callaway-Sant'Anna",
        R_DID,
        1e-6,
        {
            "ATT(2004, 2004)": -0.010503,
            "ATT(2004, 2005)": -0.070423,
            "ATT(2004, 2006)": -0.137259,
            "ATT(2004, 2007)": -0.100811,
            "ATT(2006, 2004)": 0.006520,
            "ATT(2006, 2005)": -0.002751,
            "ATT(2006, 2006)": -0.004595,
            "ATT(2006, 2007)": -0.041224,
            "ATT(2007, 2004)": 0.030507,
            "ATT(2007, 2005)": -0.002726,
            "ATT(2007, 2006)": -0.031087,
            "ATT(2007, 2007)": -0.026054,
        },
        group_times,
    ),
    Figures(
        "mpdta, Callaway-Sant'Anna, means",
        R_DID,
        1e-6,
        {
            "simple": -0.039951,
            "simple, se": 0.012034,
            "group": -0.031018,
            "group, se": 0.012446,
            "dynamic": -0.077240,
            "dynamic, se": 0.019965,
            "calendar": -0.041700,
            "calendar, se": 0.015972,
        },
        means,
    ),
    Figures(
        "mpdta, not yet treated",
        R_DID,
        1e-6,
        {"simple": -0.039764, "group": -0.030462, "dynamic": -0.077399, "calendar": -0.044267},
        means_not_yet,
    ),
    Figures(
        "mpdta, with lpop by regression",
        R_DID,
        1e-6,
        {"simple": -0.041969, "group": -0.032929, "dynamic": -0.080782, "calendar": -0.044532},
        means_with_trait,
    ),
    Figures(
        "mpdta, two-way fixed effects",
        "[diff-diff](https://pypi.org/project/diff-diff/) 3.13",
        1e-6,
        {"coefficient": -0.036549, "coefficient, se": 0.013265},
        two_way,
    ),
    Figures(
        "Proposition 99, difference in differences",
        "[synthdid](https://github.com/synth-inference/synthdid), table 1 of Arkhangelsky et al. (2021)",
        1e-3,
        {"effect, packs a head": -27.349},
        california,
    ),
)
