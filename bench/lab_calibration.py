"""How often each method is wrong on the city's own archived series, where nothing was done; writes a page.

A placebo study takes 42 local days of a kind of series (28 before, 14 after; an interrupted time series 56 and 28) free
of registered changes and known events, and treats places that lots pick with nothing. Each is judged with every check,
and again with 20 % added (ln 1.2 on logarithms), so that silence is no way to pass.

Studies are made in rounds of equal shares, each with a seed of its own. `--results FILE` keeps them line by line, and a
run goes on where the last one with that file stopped. It ends with 1 where a rate is surely worse than promised: the
lower end of the false alarms above 5 %, or the upper end of coverage below 95 %. `--studies N`: so many of each method
and kind; `--minutes M`: no longer than that; `--kinds A,B`: these only; `--json`: the shares, and no page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only get in the way

import numpy as np

from _series import KINDS, LATER, Kind, read_kind
from machine import describe
from passerelle.lab.panel import Flags, Panel
from passerelle.lab.question import Question
from passerelle.lab.trials.nulls import Nulls, NullStudy, count_nulls, judge_placebo
from passerelle.lab.trials.placebos import Shape, draw_placebos
from passerelle.model.errors import StudyError

STUDIES, ROUND = 2000, 10
BEFORE, AFTER, BEFORE_ALONE, AFTER_ALONE = 28, 14, 56, 28
ADDED = float(np.log(1.2))


@dataclass(frozen=True)
class Cell:
    """A method on a kind of series."""

    kind: Kind
    method: str
    shape: Shape

    @property
    def key(self) -> str:
        """The cell's name in the file."""
        return f"{self.kind.name}/{self.method}/{self.shape.count}"

    def question(self, seed: int) -> Question:
        """What is asked; days of the week are the season of a series without a comparison."""
        return Question(method=self.method, seasons=(7.0,) if self.method == "its" else (), seed=seed)


def cells(kinds: tuple[Kind, ...]) -> list[Cell]:
    """Every method on every kind that has days and places enough for it."""
    found = []
    for kind in kinds:
        if kind.few:
            found += [Cell(kind, name, Shape(kind.few, BEFORE, AFTER)) for name in ("did", "sc", "asc", "sdid")]
            found += [
                Cell(kind, "did", Shape(kind.many, BEFORE, AFTER)),
                Cell(kind, "cs", Shape(kind.many, BEFORE, AFTER, kind.waves)),
            ]
        if kind.judged == LATER:
            found.append(Cell(kind, "its", Shape(1, BEFORE_ALONE, AFTER_ALONE)))
    return found


DOCS = Path(__file__).parent.parent / "docs" / "lab.md"
BEGIN, END = "<!-- begin calibration -->", "<!-- end calibration -->"

COLUMNS = (
    "series", "method", "treated", "studies", "stretches", "false alarms", "coverage", "width", "barred", "open",
    "no ends", "power", "barred then", "by what", "holds",
)  # fmt: skip

Done = dict[tuple[str, int], list[dict[str, object]]]
"""The lines of each cell's rounds."""


def main(studies: int, minutes: float, names: list[str], results: Path | None, *, as_json: bool) -> int:
    """Make what is lacking of the studies, write the page, and say whether a cell breaks its promise."""
    asked = cells(tuple(kind for kind in KINDS if not names or kind.name in names))
    done = make(asked, studies, time.monotonic() + 60 * minutes, results)
    counted = {cell.key: count(cell, done) for cell in asked}
    broken = [key for key, (nulls, _) in counted.items() if not nulls.holds(0.95)]
    if as_json:
        print(json.dumps({key: asdict(nulls) for key, (nulls, _) in counted.items()}))
    else:
        text = "\n".join(row(cell, *counted[cell.key]) for cell in asked)
        Path(__file__).with_suffix(".md").write_text(write_page(text, asked, broken), encoding="utf-8")
        write_summary({cell: counted[cell.key][0] for cell in asked})
    return 1 if broken else 0


def make(asked: list[Cell], studies: int, deadline: float, results: Path | None) -> Done:
    """The rounds there are in `results`, and those lacking that the deadline leaves time for."""
    done: Done = {} if results is None else read_results(results)
    panels: dict[str, tuple[Panel, Flags]] = {}
    lacking = [(number, cell) for number in range(-(-studies // ROUND)) for cell in asked]
    lacking = [(number, cell) for number, cell in lacking if (cell.key, number) not in done]
    for at, (number, cell) in enumerate(lacking, 1):
        if time.monotonic() > deadline:
            break
        if cell.kind.name not in panels:
            panels[cell.kind.name] = read_kind(cell.kind)
        lines = list(make_round(cell, number, *panels[cell.kind.name]))
        if results is not None:
            with results.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(line) + "\n" for line in lines))
        done[cell.key, number] = lines
        print(f"\r{at * ROUND} of {len(lacking) * ROUND} studies", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done


def make_round(cell: Cell, number: int, history: Panel, touched: Flags) -> Iterator[dict[str, object]]:
    """The studies of one round as lines of the file; one that gives no estimate says why."""
    question = cell.question(number)
    for placebo in draw_placebos(history, cell.shape, ROUND, number, touched):
        line: dict[str, object] = {"cell": cell.key, "round": number}
        try:
            yield line | asdict(judge_placebo(placebo, question, ADDED))
        except StudyError as error:
            yield line | {"error": str(error)}


def read_results(results: Path) -> Done:
    """What the file has, whole rounds only."""
    found: Done = {}
    if results.exists():
        for text in results.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            found.setdefault((line["cell"], line["round"]), []).append(line)
    return {key: lines for key, lines in found.items() if len(lines) == ROUND}


def count(cell: Cell, done: Done) -> tuple[Nulls, Counter[str]]:
    """The shares of a cell, and how often each check blocked a study with the effect added."""
    lines = [line for (key, _), kept in done.items() if key == cell.key for line in kept]
    studies = [
        NullStudy(**{name: value for name, value in line.items() if name not in ("cell", "round")})  # type: ignore[arg-type]
        for line in lines
        if "error" not in line
    ]
    blocked = Counter(name for one in studies for name in one.found_barred)
    return count_nulls(studies, len(lines) - len(studies), cell.question(0)), blocked


def row(cell: Cell, nulls: Nulls, blocked: Counter[str]) -> str:
    """A line of the table, in percent."""
    bounds = [
        f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})"
        for share, (low, high) in (
            (nulls.false_alarms, nulls.false_alarm_bounds),
            (nulls.coverage, nulls.coverage_bounds),
        )
    ]
    names = ", ".join(f"`{name}` {100 * times / nulls.studies:.0f}" for name, times in blocked.most_common(3))
    shares = [nulls.barred, nulls.wide, nulls.unbounded, nulls.power, nulls.power_barred]
    return (
        f"| {cell.kind.name} | {cell.method} | {cell.shape.count} | {nulls.studies} | {nulls.stretches} | "
        f"{' | '.join(bounds)} | {100 * nulls.width:.0f} | "
        f"{' | '.join(f'{100 * share:.1f}' for share in shares)} | {names} | "
        f"{'yes' if nulls.holds(0.95) else '**no**'} |"
    )


def write_page(text: str, asked: list[Cell], broken: list[str]) -> str:
    """The page."""
    kinds = list({cell.kind.name: cell.kind for cell in asked}.values())
    left_out = "\n".join(
        f"- **{kind.name}**: {kind.what}. Judged: {kind.judged}. Left out: "
        + "; ".join(f"{start} to {end} ({why})" for start, end, why in kind.excluded)
        + "."
        for kind in kinds
    )
    head = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
    _, studies, _ = (__doc__ or "").split("\n\n")
    return f"""\
# Calibration on the archived series

`.venv/bin/python bench/run.py lab_calibration`; {describe()}.

{studies}

{left_out}

{STUDIES} studies of each take about 35 minutes of one core (29 ms a study); the column says how many were made.

Holidays, the weather, and the prices of SFpark's garages (adjusted at dates that the archive doesn't have) are left out
only where they are named above: a comparison has to bear what comes to all places. The lab's thresholds were tuned on
synthetic cities, on none of these series.

Rates in percent; in brackets 95 % bounds, treated places and stretches of time (as long as a study) drawn anew, each by
itself: studies overlap, and `stretches` says in how many they begin. With one stretch the bounds know of places only,
and say nothing about other months. `false alarms`: a verdict of an effect. `coverage`: the interval holds zero, before
any check. `width`: mean of the intervals that end, in hundredths of the logarithm. `barred`: blocked by a check with
nothing added; `open`: left open by the interval; `no ends`: the interval has none. `power`: 20 % added, shown with its
sign; `barred then`: blocked then by a check, and the three that did it most.

{head}
{text}

Surely worse than promised: {", ".join(f"`{key}`" for key in broken) or "none"}.
"""


def write_summary(counted: dict[Cell, Nulls]) -> None:
    """Rewrite the table of docs/lab.md: false alarms, coverage and power of each method by kind of series."""
    kinds = list(dict.fromkeys(cell.kind.name for cell in counted))
    rows: dict[str, dict[str, str]] = {}
    for cell, nulls in counted.items():
        many = ", several treated" if cell.method == "did" and cell.shape.count == cell.kind.many else ""
        shares = (nulls.false_alarms, nulls.coverage, nulls.power)
        told = " / ".join(f"{100 * share:.1f}" for share in shares[:2]) + f" / {100 * shares[2]:.0f}"
        rows.setdefault(f"`{cell.method}`{many}", {})[cell.kind.name] = told if nulls.holds(0.95) else f"**{told}**"
    table = "\n".join(f"| {name} | {' | '.join(told.get(kind, '') for kind in kinds)} |" for name, told in rows.items())
    counts = sorted(nulls.studies for nulls in counted.values())
    text = DOCS.read_text(encoding="utf-8")
    (head, rest), (_, tail) = text.split(BEGIN), text.split(END)
    made = f"{counts[-1]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
    table = f"| {made} studies each | {' | '.join(kinds)} |\n{'|---' * (len(kinds) + 1)}|\n{table}"
    assert rest.endswith(END + tail)
    DOCS.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--studies", type=int, default=STUDIES)
    words.add_argument("--minutes", type=float, default=float("inf"))
    words.add_argument("--kinds", default="")
    words.add_argument("--results", type=Path)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    kinds = [name for name in given.kinds.split(",") if name]
    sys.exit(main(given.studies, given.minutes, kinds, given.results, as_json=given.json))
