"""`passerelle token`: who may write, and who may administer."""

from __future__ import annotations

from pathlib import Path

import click

from passerelle.cli.output import opened, show, show_fields, show_table, with_city, with_json
from passerelle.model.errors import InvalidValueError

_COLUMNS = ("id", "name", "scope", "feed", "created", "expires", "last_used", "revoked")


@click.group()
def token() -> None:
    """Who may write observations, and who may administer the node."""


@token.command("create")
@click.argument("name")
@click.option("--feed", help="The feed the bearer may write observations of.")
@click.option(
    "--scope",
    type=click.Choice(["write:observations", "studies", "officer"]),
    default="write:observations",
    show_default=True,
    help="What the bearer may do.",
)
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="Until it expires.")
@with_city
@with_json
def create_token(
    name: str,
    feed: str | None,
    scope: str,
    days: int,
    folder: Path,
    node: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Make a token called NAME. Its secret is shown once; the node keeps only a hash.

    Example: passerelle token create counters --feed bike-counters --folder demo/paris
    """
    if scope == "write:observations" and feed is None:
        raise InvalidValueError(
            "a token that may write observations is for one feed: add --feed FEED (`passerelle feed list` shows them), "
            "or choose another --scope",
            where="--feed",
        )
    arguments = {"name": name, "scope": scope, "feed": feed, "days": days}
    with opened(folder, node, token) as city:
        answer = city.do("create-token", arguments)
    show(
        answer, as_json=as_json, human=lambda: show_fields({name: answer[name] for name in ("id", "secret", "expires")})
    )


@token.command("list")
@with_city
@with_json
def list_tokens(folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """List the tokens, without their secrets.

    Example: passerelle token list --folder demo/paris
    """
    with opened(folder, node, token) as city:
        rows = city.do("list-tokens")
    show(rows, as_json=as_json, human=lambda: show_table(_COLUMNS, ([row[name] for name in _COLUMNS] for row in rows)))


@token.command("revoke")
@click.argument("number", type=int)
@with_city
@with_json
def revoke_token(number: int, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Make token NUMBER useless from now on.

    Example: passerelle token revoke 3 --folder demo/paris
    """
    with opened(folder, node, token) as city:
        answer = city.do("revoke-token", {"id": number})
    show(answer, as_json=as_json, human=lambda: click.echo(f"Token {number} ({answer['name']}) is revoked."))


COMMANDS = {"token": token}
