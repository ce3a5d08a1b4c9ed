"""`passerelle lab power`, `nulls` and `assign`: what is settled before a pilot begins."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from passerelle.cli.output import Command, show, show_fields, show_table, with_json
from passerelle.cli.progress import progress_bar
from passerelle.lab.files.panel_file import Columns, PanelFile, read_panel
from passerelle.lab.methods import METHODS
from passerelle.lab.panel import Flags
from passerelle.lab.question import AUTO, Assignment, Question
from passerelle.lab.trials.assignment import Ticket, commit, draw, group_near, match, name_clusters, verify
from passerelle.lab.trials.nulls import find_nulls, spans
from passerelle.lab.trials.placebos import Shape
from passerelle.lab.verdict import Wanted
from passerelle.model.errors import InvalidValueError
from passerelle.studies.told.design_answer import write_nulls, write_power
from passerelle.studies.told.words import LANGUAGES

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _with_history(command: Command) -> Command:
    """Give a command the file and its columns."""
    for option in (
        click.option("--decimal", type=click.Choice([".", ","]), default=".", help="The file's decimal mark."),
        click.option("--cluster", metavar="COL", help="The column of the groups that are treated together."),
        click.option("--outcome", required=True, metavar="COL", help="The column of what was measured."),
        click.option("--time", required=True, metavar="COL", help="The column of the times."),
        click.option("--unit", required=True, metavar="COL", help="The column of the units: places, firms, people."),
        click.argument("file", metavar="PANEL", type=_FILE),
    ):
        command = option(command)
    return command


def _with_study(command: Command) -> Command:
    """Give a command the study that would be made."""
    for option in (
        click.option("--seed", type=int, default=0, show_default=True, help="Of the windows and units drawn."),
        click.option(
            "--exclude", multiple=True, metavar="T..T", help="Times from the first to before the last, left out."
        ),
        click.option("--season", "seasons", type=float, multiple=True, metavar="N", help="As in `lab estimate`."),
        click.option(
            "--assignment",
            type=click.Choice([Assignment.OBSERVED.value, Assignment.CLUSTERS.value]),
            default=Assignment.OBSERVED.value,
            show_default=True,
            help="Whether lots will be drawn among clusters.",
        ),
        click.option("--level", type=float, default=0.95, show_default=True, help="Of the interval."),
        click.option(
            "--smallest-effect", type=float, metavar="X", help="Effects smaller than this don't matter, in its unit."
        ),
        click.option(
            "--wanted",
            type=click.Choice([one.value for one in Wanted]),
            default=Wanted.NEITHER.value,
            show_default=True,
            help="The direction that will be wanted.",
        ),
        click.option(
            "--method", type=click.Choice([AUTO, *METHODS]), default=AUTO, show_default=True, help="The method."
        ),
        click.option(
            "--times-before", type=int, metavar="N", help="Times before the change; as many as after if absent."
        ),
        click.option("--times-after", "--weeks", type=int, required=True, metavar="N", help="Times after the change."),
        click.option("--treat", type=int, metavar="N", help="How many units (clusters) will have the change."),
        click.option("--treated", multiple=True, metavar="A,B", help="Which units will, instead of --treat."),
    ):
        command = option(command)
    return command


@click.command("power")
@_with_history
@_with_study
@click.option("--effect", "effects", multiple=True, metavar="X", help="An effect to try, in the outcome's unit or 20%.")
@click.option("--studies", type=int, default=500, show_default=True, metavar="N", help="Placebo studies to make.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The page's language.")
@with_json
def power(file: Path, effects: tuple[str, ...], studies: int, lang: str, as_json: bool, **given: Any) -> None:
    """How large an effect must be for a study to show it, from the history in PANEL.

    Example: passerelle lab power data/prop99/california_prop99_long.csv --unit State --time Year
    --outcome PacksPerCapita --treat 4 --times-before 10 --times-after 5 --method did --effect 10%
    """
    read, question, shape, excluded = _design(file, given)
    with progress_bar(file.name, hidden=as_json) as progress:
        answer = write_power(read.panel, question, shape, effects, studies, excluded, progress)

    def human() -> None:
        click.echo(answer["sentence"][lang])
        for one in answer["alternatives"]:
            click.echo(f"  {one['sentence'][lang]}")
        show_table(("effect", "share", "power"), ((*_row(one),) for one in answer["effects"]))

    show(answer, as_json=as_json, human=human)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    share = one["share_of_mean"]
    return f"{one['effect']:.4g}", "" if share is None else f"{share:.1%}", f"{one['power']:.1%}"


@click.command("nulls")
@_with_history
@_with_study
@click.option("--studies", type=int, default=500, show_default=True, metavar="N", help="Placebo studies to make.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The page's language.")
@with_json
def nulls(file: Path, studies: int, lang: str, as_json: bool, **given: Any) -> None:
    """How often a method is wrong on the history in PANEL, in windows in which nothing was done.

    Example: passerelle lab nulls data/prop99/california_prop99_long.csv --unit State --time Year
    --outcome PacksPerCapita --treat 4 --times-before 8 --times-after 4 --method did --exclude 1988..2001
    """
    read, question, shape, excluded = _design(file, given)
    with progress_bar(file.name, hidden=as_json) as progress:
        found = find_nulls(read.panel, question, shape, studies=studies, excluded=excluded, progress=progress)
    answer = write_nulls(found, question)

    def human() -> None:
        click.echo(answer["sentence"][lang])
        show_fields({name: value for name, value in answer.items() if name != "sentence"})

    show(answer, as_json=as_json, human=human)


def _design(file: Path, given: dict[str, Any]) -> tuple[PanelFile, Question, Shape, Flags]:
    columns = Columns(given["unit"], given["time"], given["outcome"], cluster=given["cluster"])
    read = read_panel(file, columns, decimal=given["decimal"], changed=False)
    named = tuple(name.strip() for text in given["treated"] for name in text.split(","))
    if bool(named) == (given["treat"] is not None):
        raise InvalidValueError("say how many will have the change, --treat, or which, --treated", where="--treat")
    unknown = [name for name in named if name not in read.panel.units]
    if unknown:
        raise InvalidValueError(f"no unit is called {', '.join(unknown)}", where="--treated")
    after = given["times_after"]
    shape = Shape(named or given["treat"], given["times_before"] or after, after)
    smallest = given["smallest_effect"]
    question = Question(
        wanted=Wanted(given["wanted"]),
        smallest=None if smallest is None else (-smallest, smallest),
        level=given["level"],
        method=given["method"],
        assignment=Assignment(given["assignment"]),
        seasons=given["seasons"],
        seed=given["seed"],
    )
    ends = [text.split("..") for text in given["exclude"]]
    if any(len(one) != 2 for one in ends):
        raise InvalidValueError("a span is written FIRST..LAST", where="--exclude")
    placed = tuple(
        (
            read.clock.place(first, "--exclude", beyond=True),
            read.clock.place(last, "--exclude", beyond=True),
        )
        for first, last in ends
    )
    return read, question, shape, spans(read.panel, placed)


@click.command("assign")
@_with_history
@click.option("--treat", type=int, required=True, metavar="N", help="How many are drawn, of each stratum.")
@click.option("--strata-size", type=int, metavar="N", help="Strata of so many that were most alike; 2 are pairs.")
@click.option("--latitude", metavar="COL", help="The column of each unit's latitude, in degrees.")
@click.option("--longitude", metavar="COL", help="The column of each unit's longitude, in degrees.")
@click.option("--apart", type=float, metavar="M", help="Places within so many metres are drawn together.")
@click.option("--periods", type=int, metavar="N", help="Draw among so many periods instead of units: a switchback.")
@click.option("--seed", metavar="TEXT", help="The seed; one is made and shown where it is absent.")
@click.option("--commitment", metavar="HEX", help="The seed's SHA-256 as it was published before.")
@with_json
def assign(file: Path, as_json: bool, **given: Any) -> None:
    """Draw by lot who gets a change, so that anybody can draw the lots again.

    Example: passerelle lab assign data/prop99/california_prop99_long.csv --unit State --time Year
    --outcome PacksPerCapita --treat 1 --strata-size 2 --seed "Pont des Arts"
    """
    seed = given["seed"] or secrets.token_hex(16)
    if given["commitment"] is not None:
        verify(seed, given["commitment"])
    tickets, members = _draw(file, given, seed)
    rows = [{**asdict(one), "units": members[one.name]} for one in tickets]
    answer = {
        "seed": seed,
        "commitment": commit(seed),
        "algorithm": "lot = SHA-256 of 'seed:name' in UTF-8, hexadecimal; the smallest lots of each stratum are drawn",
        "drawn": [one.name for one in tickets if one.drawn],
        "lots": rows,
    }

    def human() -> None:
        show_fields({name: answer[name] for name in ("seed", "commitment", "algorithm")})
        cells = ((row["name"], row["stratum"], row["lot"][:12], "drawn" if row["drawn"] else "") for row in rows)
        show_table(("name", "stratum", "lot", ""), cells)

    show(answer, as_json=as_json, human=human)


def _draw(file: Path, given: dict[str, Any], seed: str) -> tuple[tuple[Ticket, ...], dict[str, list[str]]]:
    places = tuple(name for name in (given["latitude"], given["longitude"]) if name is not None)
    if len(places) not in (0, 2) or (given["apart"] is not None) != (len(places) == 2):
        raise InvalidValueError("--latitude, --longitude and --apart go together", where="--apart")
    columns = Columns(given["unit"], given["time"], given["outcome"], cluster=given["cluster"], traits=places)
    panel = read_panel(file, columns, decimal=given["decimal"], changed=False).panel
    if given["periods"] is not None:
        names = [f"period {one}" for one in range(1, given["periods"] + 1)]
        size = given["strata_size"] or len(names)
        return draw(names, np.arange(len(names)) // size, given["treat"], seed), {name: [] for name in names}
    if places:
        panel = panel.with_clusters(group_near(panel.traits[:, 0], panel.traits[:, 1], given["apart"]))
    names, histories = name_clusters(panel)
    size = given["strata_size"]
    strata = np.zeros(len(names), dtype=np.intp) if size is None else match(histories, size)
    groups = np.unique(panel.clusters)
    members = {
        name: [unit for unit, own in zip(panel.units, panel.clusters, strict=True) if own == group]
        for name, group in zip(names, groups, strict=True)
    }
    return draw(names, strata, given["treat"], seed), members
