"""How often the lab's 95 % intervals hold the truth, on synthetic histories without a change; writes lab_coverage.md.

Each history is an AR(1) of the length and weekdays of a study. Beside the lab's block means stand two methods that
it could have used: Newey-West (statsmodels' HAC, bandwidth floor(4 (T/100)^(2/9)), small-sample correction, t) and
least squares that takes days for independent.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from statsmodels.regression.linear_model import OLS

from machine import describe
from passerelle.lab.estimators.did_blocks import design_matrix, estimate_did
from passerelle.lab.paired import Paired, paired
from passerelle.lab.panel import Floats

SEED = 20210116
DRAWS = 4000
CORRELATIONS = (0.0, 0.2, 0.4, 0.6, 0.8)
BURN_IN = 100
METHODS = ("block means", "Newey-West", "independent days")


@dataclass(frozen=True)
class Design:
    """Times before and after, and whether five weekdays are adjusted for."""

    name: str
    before: int
    after: int
    weekdays: bool


DESIGNS = (
    Design("14 and 15 working days", 14, 15, True),
    Design("15 and 15 weeks", 15, 15, False),
    Design("60 and 20 working days", 60, 20, True),
)


def main() -> None:
    """Write the page."""
    random = np.random.default_rng(SEED)
    lines = []
    for design in DESIGNS:
        for correlation in CORRELATIONS:
            print(f"{design.name}, correlation {correlation}", file=sys.stderr, flush=True)
            covered, width = measure(design, correlation, random)
            cells = [f"{100 * share:.1f}" for share in covered] + [f"{wide:.2f}" for wide in width]
            lines.append(f"| {design.name} | {correlation} | {' | '.join(cells)} |")
    shown = [*(f"{method}: % covered" for method in METHODS), *(f"{method}: width" for method in METHODS)]
    head = [f"| windows | correlation | {' | '.join(shown)} |", "|---" * (2 + len(shown)) + "|"]
    rows = "\n".join([*head, *lines])
    page = f"""\
# Coverage of the lab's 95 % intervals

`.venv/bin/python bench/run.py lab_coverage`; {DRAWS} synthetic AR(1) histories a row, seed {SEED}; {describe()}.

No change was made in any, so that an interval without zero is a false alarm. Widths are in standard deviations of the
AR(1)'s innovations. The chance error of a share near 95 % is ±0.7.

{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


def measure(design: Design, correlation: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The share of intervals that hold zero, and their mean width, by method."""
    count = design.before + design.after
    noise = random.normal(size=(DRAWS, BURN_IN + count))
    for time in range(1, noise.shape[1]):
        noise[:, time] += correlation * noise[:, time - 1]
    times = np.arange(float(count))
    dummies = np.column_stack([(times % 5 == one).astype(float) for one in range(1, 5)]) if design.weekdays else None
    found = np.array(
        [
            intervals(paired(times, history[BURN_IN:], np.zeros(count), times >= design.before, dummies))
            for history in noise
        ]
    )
    return ((found[:, :, 0] <= 0) & (found[:, :, 1] >= 0)).mean(axis=0), (found[:, :, 1] - found[:, :, 0]).mean(axis=0)


def intervals(data: Paired) -> list[tuple[float, float]]:
    """The 95 % interval of the effect by each method."""
    model = OLS(data.difference, design_matrix(data))
    bandwidth = int(4 * (len(data.times) / 100) ** (2 / 9))
    fits = [
        model.fit(cov_type="HAC", cov_kwds={"maxlags": bandwidth, "use_correction": True}, use_t=True),
        model.fit(),
    ]
    return [estimate_did(data).interval, *(tuple(fit.conf_int()[1]) for fit in fits)]


if __name__ == "__main__":
    main()
