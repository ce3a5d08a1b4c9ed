"""`passerelle officer`: the one account of people, which declares studies on the page."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from passerelle.cli.output import opened, show, show_fields, with_city, with_json


@click.group()
def officer() -> None:
    """Who may declare studies on the node's page."""


@officer.command("set")
@click.argument("name")
@with_city
@with_json
def set_officer(name: str, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Make NAME the account that declares studies on the page; another one and its sessions end.

    The password is asked for on a terminal, else it is the first line of standard input: 15 to 256 characters. The node
    keeps what can't be turned back into it.

    Example: passerelle officer set jeanne --folder demo/paris
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    with opened(folder, node, token) as city:
        answer = city.do("set-officer", {"name": name, "password": password})
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


@officer.command("remove")
@with_city
@with_json
def remove_officer(folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Remove the account and end its sessions; nobody can sign in until another one is set.

    Example: passerelle officer remove --folder demo/paris
    """
    with opened(folder, node, token) as city:
        answer = city.do("remove-officer")
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


COMMANDS = {"officer": officer}
