"""`passerelle change`: what was done in the city, whether or not anybody studies it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click
import msgspec

from passerelle.cli.output import opened, show, show_fields, show_table, with_city, with_json
from passerelle.studies.declared.declaration import read_change


@click.group()
def change() -> None:
    """What was done in the city, and when: each change is held against the studies of others."""


@change.command("list")
@click.option("--sector", help="Only changes of this sector.")
@with_city
@with_json
def list_changes(sector: str | None, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """List the changes, the latest start first, each with the verdict of its latest finding.

    Example: passerelle change list --folder demo/paris
    """
    with opened(folder, node, token) as city:
        changes = list(city.list_all("changes", sector=sector))
    cells = [
        (
            one["id"],
            one["sector"],
            one["start"],
            one["end"],
            one["title"]["en"],
            (one["finding"] or {}).get("verdict"),
        )
        for one in changes
    ]
    columns = ("change", "sector", "start", "end", "title", "verdict")
    show(changes, as_json=as_json, human=lambda: show_table(columns, cells))


@change.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_city
@with_json
def add_change(file: Path, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Add the change of FILE (TOML), without a study, so that others are judged beside it.

    The same words again change nothing; a change that is there in other words is refused, since findings may be of it.

    Example: passerelle change add cities/paris/changes/rue-de-rivoli-2020.toml --folder demo/paris
    """
    read_change(file)
    with opened(folder, node, token) as city:
        answer = city.do("declare-change", msgspec.to_builtins(tomllib.loads(file.read_text(encoding="utf-8"))))
    told = {**{name: answer[name] for name in ("id", "sector", "start", "end")}, "title": answer["title"]["en"]}
    show(answer, as_json=as_json, human=lambda: show_fields(told))


COMMANDS = {"change": change}
