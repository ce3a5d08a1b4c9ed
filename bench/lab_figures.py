"""Published figures, computed again from their public data; writes the table in docs/lab.md, fails when one is off.

`--check` leaves the page as it is. Each estimator's figures are a file beside this one. The data lie beside the
checkout (`../shared/data`), but for Proposition 99's, which are in `data/`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from _figure import Figures
from _figures_did import DID_FIGURES
from _figures_meta import META_FIGURES
from _figures_synthetic import SYNTHETIC_FIGURES
from machine import describe

CHECKOUT = Path(__file__).parents[1]
DATA = CHECKOUT.parent / "shared" / "data" / "sectors" / "policy_synthetic_control_refs"
PAGE = CHECKOUT / "docs" / "lab.md"
BEGIN, END = "<!-- begin figures -->", "<!-- end figures -->"
FIGURES: tuple[Figures, ...] = (*DID_FIGURES, *META_FIGURES, *SYNTHETIC_FIGURES)


def main(*, write: bool) -> int:
    """The number of figures that are off."""
    started = time.perf_counter()
    rows, wrong = [], 0
    for figures in FIGURES:
        begun = time.perf_counter()
        print(figures.title, file=sys.stderr, flush=True)
        found = compare(figures)
        wrong += sum(not near for _, near in found)
        seconds = f"{time.perf_counter() - begun:.1f}"
        rows += [
            f"| {figures.title} {row} {figures.tolerance:g} | {figures.source} | {seconds} |" for row, _ in found[:1]
        ]
        rows += [f"| {row} | | |" for row, _ in found[1:]]
    took = time.perf_counter() - started
    count = sum(len(figures.published) for figures in FIGURES)
    head = "| analysis | figure | published | here | difference | within | source | s |"
    told = f"{count} figures, `.venv/bin/python bench/run.py lab_figures`, {took:.0f} s on {describe()}."
    table = "\n".join([told, "", head, "|---" * 8 + "|", *rows])
    if write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(f"{wrong} of {count} figures are off, {took:.1f} s", file=sys.stderr)
    return wrong


def compare(figures: Figures) -> list[tuple[str, bool]]:
    """Each figure's cells of the table, and whether it is near enough."""
    ours = figures.compute(DATA)
    rows = []
    for name, published in figures.published.items():
        here, off = ours[name], abs(ours[name] - published)
        near = off <= figures.tolerance
        mark = "" if near else " **off**"
        digits = 6 if abs(published) < 1 else 3
        rows.append((f"| {name} | {published:.{digits}f} | {here:.{digits}f} | {off:.1e}{mark} |", near))
    return rows


if __name__ == "__main__":
    sys.exit(main(write="--check" not in sys.argv) > 0)
