"""`passerelle lab`: the lab's methods on a panel of anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from passerelle.cli.lab_design import assign, nulls, power
from passerelle.cli.lab_page import show_answer
from passerelle.cli.output import show, with_json
from passerelle.cli.progress import progress_bar
from passerelle.lab.analysis import analyse
from passerelle.lab.files.context_file import read_context
from passerelle.lab.files.panel_file import Columns, PanelFile, read_panel
from passerelle.lab.methods import METHODS
from passerelle.lab.question import AUTO, Assignment, Periods, Question
from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError
from passerelle.studies.told.panel_answer import write_answer
from passerelle.studies.told.words import LANGUAGES


@click.group()
def lab() -> None:
    """Judge a change on a panel of your own: effect, interval, checks, verdict."""


@lab.command("estimate")
@click.argument("file", metavar="PANEL", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", required=True, metavar="COL", help="The column of the units: places, firms, people.")
@click.option("--time", required=True, metavar="COL", help="The column of the times: numbers, ISO dates or months.")
@click.option("--outcome", required=True, metavar="COL", help="The column of what was measured.")
@click.option("--treated", multiple=True, metavar="A,B", help="The units that had the change.")
@click.option("--from", "start", metavar="T", help="Since when; between two times, from the next one on.")
@click.option(
    "--first-treated", metavar="COL", help="Instead: each unit's first time with the change, 0 or empty for never."
)
@click.option(
    "--wanted",
    type=click.Choice([one.value for one in Wanted]),
    default=Wanted.NEITHER.value,
    show_default=True,
    help="The direction that was wanted.",
)
@click.option(
    "--smallest-effect", type=float, metavar="X", help="Effects smaller than this don't matter, in the outcome's unit."
)
@click.option(
    "--method",
    type=click.Choice([AUTO, *METHODS]),
    default=AUTO,
    show_default=True,
    help="The method; auto follows from the design.",
)
@click.option(
    "--level", type=float, default=0.95, show_default=True, help="How often the interval is to hold the truth."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn at random.")
@click.option(
    "--anticipation",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Times before the change that may show it already.",
)
@click.option("--cluster", metavar="COL", help="The column of the groups in which units are alike.")
@click.option(
    "--covariates", multiple=True, metavar="COL,..", help="Columns of facts about units that the change can't move."
)
@click.option(
    "--surroundings",
    multiple=True,
    metavar="COL,..",
    help="Columns of what moved all units at a time, such as weather.",
)
@click.option(
    "--assignment",
    type=click.Choice([one.value for one in Assignment]),
    default=Assignment.OBSERVED.value,
    show_default=True,
    help="How the change came to units: not by lot, by lot among clusters, or among periods.",
)
@click.option("--strata", metavar="COL", help="The column of the groups within which lots were drawn.")
@click.option("--given", metavar="COL", help="Instead of --treated: 1 where a unit has the change at a time, else 0.")
@click.option(
    "--period",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Times in a period that lots were drawn among.",
)
@click.option(
    "--carry-over",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Times at the start of a period that still feel the one before; they are left out.",
)
@click.option("--paired", is_flag=True, help="Lots were drawn within each two periods, not among all.")
@click.option(
    "--season",
    "seasons",
    type=float,
    multiple=True,
    metavar="N",
    help="After how many times the outcome repeats itself; more than once for several.",
)
@click.option(
    "--context",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of what the panel doesn't show, for the checks: see docs/lab.md.",
)
@click.option(
    "--decimal", type=click.Choice([".", ","]), default=".", show_default=True, help="The file's decimal mark."
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of the page and of `comparison`.",
)
@with_json
def estimate(file: Path, lang: str, as_json: bool, **given: Any) -> None:
    """Judge a change on PANEL, a CSV or Parquet file with a row for each unit and time.

    A verdict that is blocked is an answer too: exit code 1 is for what can't be read or estimated.

    Example: passerelle lab estimate data/prop99/california_prop99_long.csv --unit State --time Year
    --outcome PacksPerCapita --treated California --from 1989 --wanted down
    """
    read = _read(file, given)
    known = read_context(given["context"], read) if given["context"] else None
    with progress_bar(file.name, hidden=as_json) as report:
        analysis = analyse(read.panel, _ask(given), known, report)
    answer = write_answer(analysis, read, given["outcome"])
    answer["comparison"] = answer["comparison"][lang]
    show(answer, as_json=as_json, human=lambda: show_answer(answer, lang))


def _read(file: Path, given: dict[str, Any]) -> PanelFile:
    columns = Columns(
        given["unit"],
        given["time"],
        given["outcome"],
        first=given["first_treated"],
        cluster=given["cluster"],
        traits=_names(given["covariates"]),
        surroundings=_names(given["surroundings"]),
        strata=given["strata"],
        given=given["given"],
    )
    return read_panel(file, columns, treated=given["treated"], start=given["start"], decimal=given["decimal"])


def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for text in texts for name in text.split(","))


def _ask(given: dict[str, Any]) -> Question:
    smallest = given["smallest_effect"]
    if smallest is not None and not smallest > 0:
        raise InvalidValueError(f"--smallest-effect is {smallest}; a size above 0 is needed", where="--smallest-effect")
    return Question(
        wanted=Wanted(given["wanted"]),
        smallest=None if smallest is None else (-smallest, smallest),
        level=given["level"],
        method=given["method"],
        assignment=Assignment(given["assignment"]),
        anticipation=given["anticipation"],
        seasons=given["seasons"],
        periods=Periods(given["period"], given["carry_over"], given["paired"]),
        seed=given["seed"],
    )


for command in (power, nulls, assign):
    lab.add_command(command)

COMMANDS = {"lab": lab}
