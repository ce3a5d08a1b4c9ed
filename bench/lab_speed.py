"""How long a verdict with all placebos takes, and what memory; writes lab_speed.md.

Each size is measured in a process of its own, twice: the two answers must have the same digits.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from machine import describe
from passerelle.lab.analysis import Analysis, analyse
from passerelle.lab.panel import Panel, panel
from passerelle.lab.question import Question

SIZES = ((100, 1_000, 5), (1_000, 10_000, 60))
"""Units, times, and the seconds that issue 4 allows."""

MOST_GIB = 2.0
TESTED = ("auto", "sc", "did")
AFTER = 0.2
EFFECT = 3.0
"""Where no effect is claimed most checks have nothing to refute: one that is found makes all of them work."""


def make(units: int, times: int) -> Panel:
    """Three factors that wander and come back, loads and levels by unit, independent noise; the first is treated."""
    random = np.random.default_rng(units)
    factors = random.normal(size=(3, times))
    for time_ in range(1, times):
        factors[:, time_] += 0.9 * factors[:, time_ - 1]
    outcomes = (random.normal(size=(units, 3)) + 1) @ factors + random.normal(size=(units, times)) + 100
    start = round(times * (1 - AFTER))
    outcomes[0, start:] += EFFECT
    first = np.where(np.arange(units) == 0, float(start), np.inf)
    return panel(tuple(f"u{one}" for one in range(units)), np.arange(float(times)), outcomes, first)


def measure(method: str, units: int, times: int) -> None:
    """Print what one verdict takes."""
    data = make(units, times)
    steps: list[int] = []
    started, spent = time.perf_counter(), time.process_time()
    found = analyse(data, Question(method=method), progress=lambda done, _: steps.append(done))
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - started,
                "processor": time.process_time() - spent,
                "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
                "method": found.result.method,
                "verdict": found.judgement.verdict.value,
                "steps": len(set(steps)),
                "answer": digits(found),
            }
        )
    )


def digits(found: Analysis) -> list[str]:
    """Every number of the result and of its checks, to the last bit."""
    result = found.result
    numbers = [result.effect, result.se, *result.interval, result.p_value, *result.weights.values()]
    numbers += [number for check in result.checks for number in check.numbers.values()]
    return [float(number).hex() for number in numbers]


def main() -> int:
    """Write the page; the number of limits that were broken."""
    lines, broken = [], 0
    load = os.getloadavg()[0]
    one_thread = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    for units, times, limit in SIZES:
        for method in TESTED:
            print(f"{method}, {units} x {times}", file=sys.stderr, flush=True)
            words = [sys.executable, __file__, method, str(units), str(times)]
            runs = [json.loads(subprocess.check_output(words, env=one_thread)) for _ in range(2)]
            best = min(runs, key=lambda run: float(run["wall"]))
            same = runs[0]["answer"] == runs[1]["answer"]
            broken += best["wall"] > limit or best["gib"] > MOST_GIB or not same
            name = method if method == best["method"] else f"{method}: {best['method']}"
            cells = [f"{best['wall']:.1f}", f"{best['processor']:.1f}", f"{limit}", f"{best['gib']:.2f}"]
            cells += [f"{best['steps']}", "yes" if same else "NO", best["verdict"]]
            lines.append(f"| {name} | {units:,} x {times:,} | {' | '.join(cells)} |")
    columns = [
        "method",
        "units x times",
        "s",
        "processor s",
        "at most s",
        "GiB",
        "steps of the bar",
        "same digits again",
    ]
    rows = "\n".join([f"| {' | '.join([*columns, 'verdict'])} |", "|---" * (len(columns) + 1) + "|", *lines])
    page = f"""\
# Speed of a verdict, all placebos and checks made

`.venv/bin/python bench/run.py lab_speed`; {describe()}.
Processes that ran or waited beside it: {load:.0f} when it began, {os.getloadavg()[0]:.0f} when it ended.

One treated unit, a fifth of the times after the change; the better of two runs, each with effect, interval, path and
every check, one thread for linear algebra as the command line has it. `sc` makes a placebo of every unit,
`sdid` of 200. GiB is the whole process. Same digits: of all numbers of the result and of its checks, in two processes.
What is beside it on the machine makes the seconds longer, not the processor's seconds.

{rows}
"""
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")
    return broken


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main())
