"""Meta-analysis: 13 trials of the BCG vaccine against tuberculosis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from _figure import Figures
from passerelle.lab.inference.meta import combine

METAFOR = "Viechtbauer (2010), doi:10.18637/jss.v036.i03, on metafor's dat.bcg"


def bcg(folder: Path) -> Mapping[str, float]:
    """The mean logarithm of the risk ratio, and how it goes with latitude."""
    frame = pl.read_csv(folder / "bcg_vaccine_trials.csv")
    a, b, c, d = (frame[f"{arm}_{kind}"].to_numpy() for arm in ("treated", "control") for kind in ("cases", "noncases"))
    effects = np.log(a / (a + b) / (c / (c + d)))
    errors = np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    mean = combine(effects, errors)
    line = combine(effects, errors, frame["absolute_latitude"].to_numpy()[:, None].astype(float))
    return {
        "log risk ratio": float(mean.coefficients[0]),
        "log risk ratio, se": float(mean.errors[0]),
        "variance between": mean.tau2,
        "at the equator": float(line.coefficients[0]),
        "a degree of latitude": float(line.coefficients[1]),
        "a degree of latitude, se": float(line.errors[1]),
        "variance between, by latitude": line.tau2,
    }


META_FIGURES = (
    Figures(
        "BCG vaccine, 13 trials",
        METAFOR,
        1e-3,
        {
            "log risk ratio": -0.7145,
            "log risk ratio, se": 0.1798,
            "variance between": 0.3132,
            "at the equator": 0.2515,
            "a degree of latitude": -0.0291,
            "a degree of latitude, se": 0.0072,
            "variance between, by latitude": 0.076,
        },
        bcg,
    ),
)
