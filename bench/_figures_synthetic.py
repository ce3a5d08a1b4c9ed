"""Synthetic control, augmented, synthetic DiD: Proposition 99 and GeoLift (Germany, Basque: the tests of `lab/`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from _figure import Figures
from passerelle.lab.estimators.augmented import contrast_asc
from passerelle.lab.estimators.synthetic_control import contrast_sc
from passerelle.lab.estimators.synthetic_did import contrast_sdid
from passerelle.lab.files.panel_file import Columns, read_panel
from passerelle.lab.panel import Panel
from passerelle.lab.question import Question
from passerelle.lab.weights.synthetic import Contrast, read_setting

SYNTHDID = "R's [synthdid](https://synth-inference.github.io/synthdid/), [paper](https://doi.org/10.1257/aer.20190159)"
GEOLIFT = "Meta's [GeoLift](https://facebookincubator.github.io/GeoLift/), walkthrough"


def california(_: Path) -> Panel:
    """Cigarette sales of 39 states."""
    path = Path(__file__).parents[1] / "data" / "prop99" / "california_prop99_long.csv"
    return read_panel(path, Columns("State", "Year", "PacksPerCapita"), treated=["California"], start="1989").panel


def cities(folder: Path) -> Panel:
    """An outcome of 40 cities, two with a campaign on the last 15 of 105 days."""
    columns = Columns("location", "date", "Y")
    return read_panel(folder / "geolift_test.csv", columns, treated=["chicago", "portland"], start="2021-04-01").panel


def effect(read: Callable[[Path], Panel], contrast: Contrast, folder: Path) -> float:
    """The effect by one method on one panel."""
    setting = read_setting(read(folder), Question(), "figures")
    return float(contrast(setting, setting.shares, None).effects(setting)[0])


def packs(folder: Path) -> Mapping[str, float]:
    """Of Proposition 99, packs a head."""
    return {
        "synthetic control, all outcomes before": effect(california, contrast_sc, folder),
        "synthetic DiD": effect(california, contrast_sdid, folder),
    }


def lift(folder: Path) -> Mapping[str, float]:
    """Of GeoLift's test: a city and day, and over two cities and 15 days."""
    each = effect(cities, contrast_asc, folder)
    return {"effect a city and day": each, "incremental units": each * 2 * 15}


def packs_from_levels(folder: Path) -> Mapping[str, float]:
    """From each state's level on."""
    return {"synthetic control from levels (DIFP)": effect(california, contrast_asc, folder)}


SYNTHETIC_FIGURES = (
    Figures(
        "Proposition 99, synthetic",
        SYNTHDID,
        1e-2,
        {"synthetic control, all outcomes before": -19.514, "synthetic DiD": -15.604},
        packs,
    ),
    Figures(
        "Proposition 99, levels", SYNTHDID, 0.05, {"synthetic control from levels (DIFP)": -11.1}, packs_from_levels
    ),
    Figures("GeoLift", GEOLIFT, 0.5, {"effect a city and day": 155.556, "incremental units": 4666.7}, lift),
)
