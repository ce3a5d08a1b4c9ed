"""How often 95 % intervals of an interrupted time series hold the truth, on synthetic histories; writes lab_its.md.

Beside the lab's fit stand three that it could have used, on the same trend and level change: Newey-West (statsmodels'
HAC, bandwidth floor(4 (T/100)^(2/9)), small-sample correction, t), feasible least squares with an AR(p) (statsmodels'
GLSAR, p by AIC, three rounds, t), and equal-weighted cosines with fixed-b critical values (Lazarus, Lewis, Stock and
Watson 2018, doi:10.1080/07350015.2018.1506926, 0.4 T^(2/3) of them).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy import signal, special
from statsmodels.regression.linear_model import GLSAR, OLS
from statsmodels.tsa.ar_model import ar_select_order

from machine import describe
from passerelle.lab.estimators.its import estimate_its
from passerelle.lab.panel import Floats, panel
from passerelle.lab.question import Question

SEED = 20210116
DRAWS = 400
BURN_IN = 300
LENGTHS = (60, 100, 200, 400)
SHARES_BEFORE = (0.5, 0.8)
METHODS = ("blocks, AR(1) unknown", "Newey-West", "AR(p)", "cosines")
ERRORS = {
    "AR(1) 0.2": (0.2,),
    "AR(1) 0.4": (0.4,),
    "AR(1) 0.6": (0.6,),
    "AR(1) 0.8": (0.8,),
    "AR(1) 0.9 under as much noise": (0.9,),
    "AR(2) 0.5, 0.3": (0.5, 0.3),
    "AR(2) 1.2, -0.5": (1.2, -0.5),
    "AR(1) 0.4, weekdays and a yearly season taken out": (0.4,),
}


def main() -> None:
    """Write the page."""
    random = np.random.default_rng(SEED)
    lines = []
    for count in LENGTHS:
        for share in SHARES_BEFORE:
            for name in ERRORS:
                print(count, share, name, file=sys.stderr, flush=True)
                covered, width = measure(name, count, int(share * count), random)
                cells = [*(f"{100 * one:.1f}" for one in covered), *(f"{one:.2f}" for one in width)]
                lines.append(f"| {count} | {share:.0%} | {name} | {' | '.join(cells)} |")
    shown = [*(f"{method}: % covered" for method in METHODS), *(f"{method}: width" for method in METHODS)]
    head = [f"| times | before | errors | {' | '.join(shown)} |", "|---" * (3 + len(shown)) + "|"]
    rows = "\n".join([*head, *lines])
    page = f"""\
# Coverage of the 95 % intervals of an interrupted time series

`.venv/bin/python bench/run.py lab_its`; {DRAWS} synthetic histories a row, seed {SEED}; {describe()}.

No change was made in any, so that an interval without zero is a false alarm. All fit a level, a straight trend and a
change of level. Widths are in standard deviations of the innovations. The chance error of a share
near 95 % is ±{200 * (0.95 * 0.05 / DRAWS) ** 0.5:.1f}.

{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def measure(name: str, count: int, before: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The share of intervals that hold zero, and their median width, by method."""
    seasons = (7.0, 365.25) if "season" in name else ()
    found = np.array([intervals(one, before, seasons) for one in histories(name, count, random)])
    low, high = found[:, :, 0], found[:, :, 1]
    return ((low <= 0) & (high >= 0)).mean(axis=0), np.median(high - low, axis=0)


def histories(name: str, count: int, random: np.random.Generator) -> Floats:
    """Errors of the named kind, a row a history."""
    noise = random.normal(size=(DRAWS, BURN_IN + count))
    slow = signal.lfilter([1.0], [1.0, *(-one for one in ERRORS[name])], noise, axis=1)[:, BURN_IN:]
    return slow / slow.std() + random.normal(size=slow.shape) if "noise" in name else slow


def intervals(history: Floats, before: int, seasons: tuple[float, ...]) -> list[tuple[float, float]]:
    """The 95 % interval of the change of level by each method."""
    times = np.arange(float(len(history)))
    found = estimate_its(panel(("a",), times, history[None], times[[before]]), Question(seasons=seasons))
    matrix = np.column_stack([times >= before, np.ones(len(times)), times - before])
    model = OLS(history, matrix)
    bandwidth = int(4 * (len(times) / 100) ** (2 / 9))
    fits = [
        model.fit(cov_type="HAC", cov_kwds={"maxlags": bandwidth, "use_correction": True}, use_t=True),
        _autoregression(history, matrix, model.fit().resid),
    ]
    return [found.interval, *(tuple(fit.conf_int()[0]) for fit in fits), _cosines(history, matrix)]


def _autoregression(history: Floats, matrix: Floats, residuals: Floats) -> object:
    chosen = ar_select_order(residuals, max(1, min(8, len(history) // 12)), trend="n").ar_lags or [1]
    return GLSAR(history, matrix, rho=max(chosen)).iterative_fit(maxiter=3, use_t=True)


def _cosines(history: Floats, matrix: Floats) -> tuple[float, float]:
    count = len(history)
    cosines = int(0.4 * count ** (2 / 3))
    inverse = np.linalg.inv(matrix.T @ matrix)
    coefficients = inverse @ (matrix.T @ history)
    waves = np.cos(np.pi * np.outer(np.arange(1, cosines + 1), (np.arange(count) + 0.5) / count)) * np.sqrt(2 / count)
    loads = waves @ (matrix * (history - matrix @ coefficients)[:, None]) @ inverse[:, 0] * np.sqrt(count)
    reach = special.stdtrit(cosines, 0.975) * np.sqrt(loads @ loads / cosines)
    return coefficients[0] - reach, coefficients[0] + reach


if __name__ == "__main__":
    main()
