"""How long a verdict with all placebos takes, and what memory; writes lab_speed.md.

Each size is measured in a process of its own, twice: the two answers must have the same digits.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from machine import describe
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question

SIZES = ((100, 1_000, 5), (1_000, 10_000, 60))
"""Units, times, and the seconds that issue 4 allows."""

MOST_GIB = 2.0
TESTED = ("sc", "asc", "sdid")
AFTER = 0.2


def make(units: int, times: int) -> Panel:
    """Three factors that wander and come back, loads and levels by unit, independent noise; the first is treated."""
    random = np.random.default_rng(units)
    factors = random.normal(size=(3, times))
    for time_ in range(1, times):
        factors[:, time_] += 0.9 * factors[:, time_ - 1]
    outcomes = (random.normal(size=(units, 3)) + 1) @ factors + random.normal(size=(units, times)) + 100
    first = np.where(np.arange(units) == 0, times * (1 - AFTER), np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first)


def measure(method: str, units: int, times: int) -> None:
    """Print what one estimate takes."""
    data = make(units, times)
    started, spent = time.perf_counter(), time.process_time()
    found = METHODS[method](data, Question())
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - started,
                "processor": time.process_time() - spent,
                "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
                "answer": [found.effect.hex(), found.interval[0].hex(), found.interval[1].hex(), found.p_value.hex()],
            }
        )
    )


def main() -> int:
    """Write the page; the number of limits that were broken."""
    lines, broken = [], 0
    for units, times, limit in SIZES:
        for method in TESTED:
            print(f"{method}, {units} x {times}", file=sys.stderr, flush=True)
            words = [sys.executable, __file__, method, str(units), str(times)]
            runs = [json.loads(subprocess.check_output(words)) for _ in range(2)]
            best = min(runs, key=lambda run: float(run["wall"]))
            same = runs[0]["answer"] == runs[1]["answer"]
            broken += best["wall"] > limit or best["gib"] > MOST_GIB or not same
            cells = [f"{best['wall']:.1f}", f"{best['processor']:.1f}", f"{limit}", f"{best['gib']:.2f}"]
            lines.append(f"| {method} | {units:,} x {times:,} | {' | '.join(cells)} | {'yes' if same else 'NO'} |")
    rows = "\n".join(
        ["| method | units x times | s | processor s | at most s | GiB | same digits again |", "|---" * 7 + "|", *lines]
    )
    page = f"""\
# Speed of the synthetic methods, all placebos made

`.venv/bin/python bench/run.py lab_speed`; {describe()}.

One treated unit, a fifth of the times after the change; the better of two runs, each with effect, interval and path.
`sc` and `asc` make a placebo of every unit, `sdid` of 200. GiB is the whole process.

{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")
    return broken


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main())
