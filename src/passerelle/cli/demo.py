"""`passerelle demo`: the cities on their recorded histories, each a node of its own.

This process imports neither engine nor server: it starts those that do, so that a second start is as quick as a node's.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import click

from passerelle.cli.progress import Report, progress_bars
from passerelle.model.errors import PasserelleError

_CITIES = Path(__file__).resolve().parents[3] / "cities"
_FIRST_PORT = 8101
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PROGRAM = [sys.executable, "-m", "passerelle.cli"]

Processes = dict[str, "subprocess.Popen[bytes]"]


@click.command("demo")
@click.argument("cities", nargs=-1, metavar="[CITY]...")
@click.option(
    "--folder",
    default="demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where each city gets a folder.",
)
@click.option(
    "--port",
    envvar="PORT",
    default=_FIRST_PORT,
    show_default=True,
    type=click.IntRange(1024, 65000),
    help="The first city's port (or PORT); the others shift with it.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell of each node in a line of JSON.")
def demo(cities: tuple[str, ...], folder: Path, port: int, as_json: bool) -> None:
    """Bring up the cities on years of real observations, each with judged changes.

    Paris and San Francisco, or those that are named; `all` is these and the reference sets. The first start imports the
    recorded histories of data/; the next ones take a few seconds. The last line begins with `ready`; then Ctrl-C stops
    all and the exit code is 0.

    Example: passerelle demo paris --port 9101
    """
    signal.signal(signal.SIGTERM, _interrupt)
    folders = {name: folder / name for name in list_cities(cities)}
    folder.mkdir(parents=True, exist_ok=True)
    _prepare({name: each for name, each in folders.items() if not _mark(each).exists()})
    with _running(folders, port - _FIRST_PORT) as processes:
        urls = {name: _wait(name, process, folders[name]) for name, process in processes.items()}
        for name, url in urls.items():
            log = str(folders[name].with_suffix(".log"))
            told = {"city": name, "url": url, "folder": str(folders[name]), "log": log}
            click.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{name:<14} {url}/  (log: {log})")
        _hold(processes, f"ready {' '.join(urls.values())}")


def list_cities(asked: Sequence[str]) -> list[str]:
    """The cities asked for; of nobody's asking those that don't wait for it, and `all` is every city file's.

    They come in the order of their ports.
    """
    if asked and list(asked) != ["all"]:
        return list(asked)
    files = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in _CITIES.glob("*.toml")}
    wanted = {name: file["port"] for name, file in files.items() if asked or file.get("demo") != "on request"}
    return sorted(wanted, key=lambda name: int(wanted[name]))


def _mark(folder: Path) -> Path:
    """The file that says that the folder holds all its recordings."""
    return folder.with_suffix(".prepared")


def _prepare(folders: dict[str, Path]) -> None:
    """Have every city's recordings imported, side by side."""
    if not folders:
        return
    with contextlib.ExitStack() as stack:
        reports = stack.enter_context(progress_bars(*(f"{name}: importing recorded histories" for name in folders)))
        processes = [
            stack.enter_context(_ended(_start([*_PROGRAM, "prepare", name, str(folder)])))
            for name, folder in folders.items()
        ]
        threads = [
            threading.Thread(target=_follow, args=pair, daemon=True) for pair in zip(processes, reports, strict=True)
        ]
        for thread in threads:
            thread.start()
        for name, process, thread in zip(folders, processes, threads, strict=True):
            thread.join()
            if process.wait() != 0:
                raise PasserelleError(
                    f"{name} could not be prepared; the lines above say why", where=str(folders[name])
                )
            _mark(folders[name]).touch()


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603


def _follow(process: subprocess.Popen[bytes], report: Report) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for
    for line in process.stdout:
        step = json.loads(line)
        report(step["done"], step["total"])


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """`process`, which has ended when the context does."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _running(folders: dict[str, Path], shift: int) -> Iterator[Processes]:
    """A node for each city. They end when this process does, however that comes: their standard input then ends."""
    with contextlib.ExitStack() as stack:
        processes: Processes = {}
        for name, folder in folders.items():
            command = [*_PROGRAM, "up", str(folder), "--shift", str(shift), "--with-parent", "--no-fetch", "--replay"]
            with folder.with_suffix(".log").open("ab") as log:
                # A session of their own, or Ctrl-C would reach them as well and twice.
                process = subprocess.Popen(  # noqa: S603
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
            processes[name] = stack.enter_context(_ended(process))
        yield processes


def _wait(name: str, process: subprocess.Popen[bytes], folder: Path) -> str:
    """The node's address, once it answers."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log = folder.with_suffix(".log")
            last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise PasserelleError(f"{name} ended with exit code {process.returncode}: {last[-500:]}", where=str(log))
        url = _find_url(process, folder / "node.json")
        if url is not None and _is_healthy(url):
            return url
        time.sleep(0.05)
    raise PasserelleError(f"{name} did not answer within {_READY_SECONDS:g} s", where=str(folder))


def _find_url(process: subprocess.Popen[bytes], note: Path) -> str | None:
    """What the node's note says, if it is this process's and not one left by a node that was killed."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return str(found["url"]) if found["pid"] == process.pid else None


def _is_healthy(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _hold(processes: Processes, line: str) -> None:
    """Print `line` and wait for Ctrl-C or SIGTERM; a node that ends by itself ends the demo with an error."""
    with contextlib.suppress(KeyboardInterrupt):
        # Whoever reads the line may send the signal at once.
        click.echo(line)
        while True:
            for name, process in processes.items():
                if process.poll() is not None:
                    raise PasserelleError(f"{name} ended by itself with exit code {process.returncode}", where=name)
            time.sleep(0.1)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt


COMMANDS = {"demo": demo}
