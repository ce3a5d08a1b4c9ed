"""Progress bars, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report = Callable[[int, int], None]


@contextmanager
def progress_bars(*titles: str, hidden: bool = False) -> Iterator[list[Report]]:
    """For each title a function to report what is done, of how much; a bar that was told nothing pulses."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bars:
        yield [_reporter(bars, bars.add_task(title, total=None)) for title in titles]


def _reporter(bars: Progress, task: TaskID) -> Report:
    return lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def progress_bar(title: str, *, hidden: bool = False) -> Iterator[Report]:
    """The function of one bar."""
    with progress_bars(title, hidden=hidden) as (report,):
        yield report
