"""Writes the tables of README.md and docs/ from what the program says of itself; `make docs` runs it.

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; `TABLES` says who makes which.
`tests/test_docs.py` fails where a page and its table differ.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from passerelle.api.health import read_health, read_metrics
from passerelle.api.v1 import ROUTES
from passerelle.cli import main
from passerelle.feeds.city import read_city
from passerelle.feeds.forms import FORMS
from passerelle.lab import checking
from passerelle.model.quantity import list_quantities
from passerelle.trust.check import Check
from passerelle.trust.judge import CHECKS

CHECKOUT = Path(__file__).parents[1]


def table(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; `header` names its columns, separated by bars."""
    columns = header.count("|") + 1
    lines = [f"| {header} |", "|" + "---|" * columns]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def feeds() -> str:
    """The feeds of the city files."""
    cities = [read_city(path) for path in sorted((CHECKOUT / "cities").glob("*.toml"))]
    rows = [
        (
            city.name["en"],
            f"[{feed.title['en']}]({feed.documentation})" if "://" in feed.documentation else feed.title["en"],
            f"`{feed.form}`",
            feed.publisher,
            f"[{feed.licence.name}]({feed.licence.url})" if feed.licence.url else feed.licence.name,
            feed.redistribute.value,
        )
        for city in cities
        for feed in city.feeds
    ]
    return table("city | feed | form | publisher | licence | redistribute", rows)


def forms() -> str:
    """The forms this version reads."""
    rows = [(f"`{form.name}`", form.title, form.standard, form.grade.value) for form in FORMS.values()]
    return table("form | reads | of | grade", rows)


def commands() -> str:
    """The commands of `passerelle`, groups opened."""
    return table("command | what it does", _commands(main, "passerelle", click.Context(main)))


def _commands(group: click.Group, path: str, context: click.Context) -> list[tuple[str, str]]:
    rows = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            rows += _commands(command, f"{path} {name}", click.Context(command, parent=context))
        elif command is not None and not command.hidden:
            rows.append((f"`{path} {name}`", command.get_short_help_str(limit=200)))
    return rows


def routes() -> str:
    """What a node answers to, with the first line of each handler's docstring."""
    rows = []
    for handler in [*ROUTES, read_health, read_metrics]:
        prefix = "" if handler in (read_health, read_metrics) else "/api/v1"
        what = (inspect.getdoc(handler.fn) or "").splitlines()
        for path in sorted(handler.paths):
            named = re.sub(r":\w+}", "}", path)
            rows += [(f"`{method} {prefix}{named}`", what[0] if what else "") for method in handler.http_methods]
    return table("address | what it answers", sorted(rows, key=lambda row: row[0].strip("`").split()[1]))


def quantities() -> str:
    """The table of quantities."""
    rows = [
        (f"`{row.name}`", row.sector.value, f"`{row.unit}`", row.statistic.value, row.interval, row.meaning)
        for row in list_quantities()
    ]
    return table("quantity | sector | unit (UCUM) | statistic | over | meaning", rows)


def checks() -> str:
    """What the checks of trust mean, and what each is shown."""
    return table(
        "check | what it means | it sees", [(f"`{one.name}`", one.meaning["en"], _sees(one)) for one in CHECKS]
    )


def _sees(check: Check) -> str:
    shown = {"a series": check.judge, "a feed": check.judge_feed, "two series to compare": check.compare}
    return ", ".join(words for words, looks in shown.items() if looks is not None)


def decisions() -> str:
    """The pages of docs/decisions/."""
    pages = sorted(path for path in (CHECKOUT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
    return table("decision | page", [(_title(page), f"[{page.name}]({page.name})") for page in pages])


def benches() -> str:
    """The pages of bench/ that hold results."""
    pages = sorted(path for path in (CHECKOUT / "bench").glob("*.md") if path.name != "README.md")
    return table("results | page", [(_title(page), f"[{page.name}]({page.name})") for page in pages])


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def lab_checks() -> str:
    """The checks of a panel: what their file's first line says they could refute, and of which methods."""
    methods = {name: [one for one, has in checking.CHECKS_OF.items() if name in has] for name in checking.CHECKS}
    rows = [(f"`{name}`", _refutes(run), ", ".join(methods[name])) for name, run in checking.CHECKS.items()]
    return table("check | what it could refute | of results by", rows)


def _refutes(run: Callable[..., object]) -> str:
    module = inspect.getmodule(run)
    first = (inspect.getdoc(module) or "").splitlines()[0]
    return first.removeprefix("Could refute: ").removesuffix(".")


TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"feeds": feeds, "forms": forms, "commands": commands, "routes": routes},
    "docs/quantities.md": {"quantities": quantities},
    "docs/lab.md": {"lab checks": lab_checks},
    "docs/trust.md": {"checks": checks},
    "docs/decisions/README.md": {"decisions": decisions},
    "bench/README.md": {"results": benches},
}


def fill(page: str) -> str:
    """The text of `page` with its tables as they should be."""
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    for name, make in TABLES[page].items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        block = f"{begin}\n{make()}\n{end}"
        text, found = pattern.subn(lambda _, block=block: block, text)
        if found != 1:
            raise SystemExit(f"{page} holds {begin} .. {end} {found} times; once is right")
    return text


if __name__ == "__main__":
    for page in TABLES:
        (CHECKOUT / page).write_text(fill(page), encoding="utf-8")
