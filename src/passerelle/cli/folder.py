"""`passerelle init`, `up`, `backup`, `restore`, `export`: a city's folder from its first to its last day."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import asdict
from pathlib import Path

import click

from passerelle.app import run_node
from passerelle.archive.backup import restore
from passerelle.archive.folder import create_folder, format_public_key, read_key
from passerelle.cli.output import opened, show, show_fields, with_city, with_json
from passerelle.cli.progress import progress_bar

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("init")
@click.argument("folder", type=_FOLDER)
@click.option("--city", help="A city of cities/, such as paris; FOLDER's own name where none is given.")
@with_json
def init(folder: Path, city: str | None, as_json: bool) -> None:
    """Make FOLDER a city's home: its city file, its signing key, an empty archive.

    Example: passerelle init demo/paris --city paris
    """
    city = city or folder.resolve().name
    create_folder(folder, city)
    answer = {"folder": str(folder), "city": city, "public_key": format_public_key(read_key(folder))}
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


@click.command("up")
@click.argument("folder", type=_FOLDER, default=".")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port; the city's own where none is given.")
@click.option("--shift", default=0, hidden=True, help="Added to the city's own port.")
@click.option("--with-parent", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.option(
    "--no-fetch",
    is_flag=True,
    envvar="PASSERELLE_NO_FETCH",
    help="Ask no publisher by plan, only when told to (or PASSERELLE_NO_FETCH=1).",
)
@click.option(
    "--replay", is_flag=True, help="Play the city's recorded sequences as if they came now, as the demo does."
)
def up(folder: Path, host: str, port: int | None, shift: int, with_parent: bool, no_fetch: bool, replay: bool) -> None:
    """Run the node of the city in FOLDER until Ctrl-C or SIGTERM; logs are JSON on standard error.

    Feeds that have an address are asked at their cadences, within their publishers' budgets.

    Example: passerelle up demo/paris --port 9101
    """
    if with_parent:
        threading.Thread(target=_stop_with_parent, daemon=True).start()
    run_node(folder, host=host, port=port, shift=shift, fetches=not no_fetch, replays=replay)


def _stop_with_parent() -> None:
    """Wait for the end of standard input, which comes however the parent ends."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


@click.command("backup")
@click.argument("target", type=_FOLDER)
@with_city
@with_json
def backup(target: Path, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Copy the city to TARGET while its node runs; the copy is opened to see that it is whole.

    The copy holds the city's signing key: keep it as safe as the folder.

    Example: passerelle backup /mnt/backups/paris-monday --folder demo/paris
    """
    with opened(folder, node, token) as city, progress_bar("backup", hidden=as_json) as progress:
        answer = city.do("backup", {"folder": str(target.resolve())}, progress)
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", type=_FOLDER)
@with_json
def restore_folder(source: Path, folder: Path, as_json: bool) -> None:
    """Make FOLDER the city that was backed up to SOURCE; an older backup is upgraded.

    Example: passerelle restore /mnt/backups/paris-monday demo/paris
    """
    with progress_bar("restore", hidden=as_json) as progress:
        answer = asdict(restore(source, folder, progress))
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


@click.command("export")
@click.argument("target", type=_FOLDER)
@with_city
@with_json
def export(target: Path, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Write all that may leave the node to TARGET: Parquet, CSV, places and metadata.

    A feed whose licence keeps its rows here is named in the metadata with the reason, and has no file.

    Example: passerelle export paris-export --folder demo/paris
    """
    with opened(folder, node, token) as city, progress_bar("export", hidden=as_json) as progress:
        answer = city.do("export", {"folder": str(target.resolve())}, progress)
    show(answer, as_json=as_json, human=lambda: click.echo(f"Written to {target}; metadata.json says what is there."))


COMMANDS = {"init": init, "up": up, "backup": backup, "restore": restore_folder, "export": export}
