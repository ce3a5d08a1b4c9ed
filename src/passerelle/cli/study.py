"""`passerelle study` and `verify`: declare how a change is judged, judge it, check a judgement."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click
import msgspec

from passerelle.cli.output import opened, show, show_fields, show_table, with_city, with_json
from passerelle.cli.progress import progress_bar
from passerelle.model.errors import StudyError
from passerelle.studies.bundle.verify import verify_bundle
from passerelle.studies.declared.declaration import read_declaration

_NAMED = 3
"""Places named in a line of the calendar, at most; more are counted."""


@click.group()
def study() -> None:
    """Declare how a change is judged, and judge it."""


@study.command("list")
@click.option("--change", help="Only studies of this change.")
@with_city
@with_json
def list_studies(change: str | None, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """List the declared studies with their latest finding and its verdict.

    Example: passerelle study list --folder demo/paris
    """
    with opened(folder, node, token) as city:
        studies = list(city.list_all("studies", change=change))
        findings: dict[str, dict[str, Any]] = {}
        for finding in city.list_all("findings"):
            findings.setdefault(finding["study"], finding)
    rows = [{**one, "finding": findings.get(one["id"])} for one in studies]
    cells = [
        (row["id"], row["declared_at"], *((row["finding"] or {}).get(name) for name in ("id", "verdict")))
        for row in rows
    ]
    show(rows, as_json=as_json, human=lambda: show_table(("study", "declared_at", "finding", "verdict"), cells))


@study.command("declare")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_city
@with_json
def declare_study(file: Path, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Declare the change and study of FILE (TOML). What is declared is hashed and time-stamped, and never edited.

    Example: passerelle study declare cities/paris/curfew-18h-2021.toml --folder demo/paris
    """
    with opened(folder, node, token) as city:
        answer = city.do("declare-study", {"declaration": _read(file)})
    show(answer, as_json=as_json, human=lambda: _tell_study(answer))


@study.command("amend")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why it is amended; everybody can read it.")
@with_city
@with_json
def amend_study(file: Path, reason: str, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Replace a declared study by the one in FILE (TOML). What was declared before stays visible, with the reason.

    Example: passerelle study amend cities/paris/curfew-18h-2021.toml --reason "a holiday forgotten" --folder demo/paris
    """
    with opened(folder, node, token) as city:
        answer = city.do("amend-study", {"declaration": _read(file), "reason": reason})
    show(answer, as_json=as_json, human=lambda: _tell_study(answer))


def _read(file: Path) -> dict[str, Any]:
    read_declaration(file)
    found: dict[str, Any] = msgspec.to_builtins(tomllib.loads(file.read_text(encoding="utf-8")))
    return found


def _tell_study(sealed: dict[str, Any]) -> None:
    show_fields({name: sealed[name] for name in ("id", "change", "declared_at", "retrospective", "hash")})
    amendments = sealed.get("amendments", ())
    if amendments:
        told = ("amended_at", "data_seen", "reason")
        show_table(told, [tuple(one[name] for name in told) for one in amendments])


@study.command("run")
@click.argument("study_id", metavar="STUDY")
@with_city
@with_json
def run_study(study_id: str, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Judge a change by its declared study, from what the archive holds now.

    Example: passerelle study run curfew-18h-2021 --folder demo/paris
    """
    officer = node is None or token is not None
    with opened(folder, node, token) as city, progress_bar(study_id, hidden=as_json) as report:
        # Anybody may have a study run, and only an officer is told of its progress.
        finding = city.study(study_id).run(report if officer else None)
    show(finding, as_json=as_json, human=lambda: _tell(finding))


@study.command("power")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--studies",
    type=click.IntRange(20, 5000),
    default=500,
    show_default=True,
    metavar="N",
    help="Placebo studies to make on the history.",
)
@with_city
@with_json
def tell_power(file: Path, studies: int, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Say what the study in FILE could show, before the pilot.

    FILE (TOML) is a declaration of the design `places`. The archive's history before its change is read, nothing later,
    and nothing is declared. Other registered changes that interfere are listed.

    Example: passerelle study power cities/paris/low-emission-zone-2021.toml --folder demo/paris
    """
    declaration = _read(file)
    with opened(folder, node, token) as city, progress_bar(file.name, hidden=as_json) as report:
        answer = city.power(declaration, studies=studies, progress=report)
    show(answer, as_json=as_json, human=lambda: _tell_pilot(answer))


def _tell_pilot(answer: dict[str, Any]) -> None:
    for one in (answer["sentence"], answer["settles"], *(each["sentence"] for each in answer["alternatives"])):
        if one is not None:
            click.echo(one["en"])
            click.echo(one["fr"])
    history, tried, alarms = answer["history"], answer["tried"], answer["false_alarms"]
    show_fields(
        {
            "method": answer["method"],
            "history": f"{history['from']} to before {history['until']}, by the {answer['every']}: {history['times']}",
            "tried with": tried and f"{tried['times_before']} before, {tried['times_after']} after",
            "shown where nothing was done": None if alarms is None else f"{alarms:.0%}",
            "places": f"{answer['places']['treated']} treated, {answer['places']['comparison']} to compare with",
        }
    )
    unit = answer["unit"]["en"]
    if answer["effects"]:
        told = ((f"{one['effect']:+.4g} {unit}", f"{one['power']:.0%}") for one in answer["effects"])
        show_table(("effect", "power"), told)
    show_table(("other change", "from", "until", "windows", "treated", "comparison"), map(_lay, answer["interfering"]))


def _lay(other: dict[str, Any]) -> tuple[str | None, ...]:
    """A line of the calendar."""
    sides = ("everywhere",) * 2 if other["everywhere"] else (_count(other["treated"]), _count(other["comparison"]))
    return other["title"]["en"], other["from"], other["until"] or "still", ", ".join(other["windows"]), *sides


def _count(places: list[str]) -> str:
    return ", ".join(places) if len(places) <= _NAMED else f"{len(places)} places"


@study.command("show")
@click.argument("name", metavar="FINDING")
@click.option("--bundle", type=click.Path(path_type=Path), help="Also write the finding's bundle (ZIP) here.")
@with_city
@with_json
def show_finding(
    name: str, bundle: Path | None, folder: Path, node: str | None, token: str | None, as_json: bool
) -> None:
    """Show a finding: verdict, effect, what it was compared with, the checks it stood.

    FINDING may also be a study, which stands for its latest finding.

    Example: passerelle study show curfew-18h-2021-0123456789ab --folder demo/paris
    """
    with opened(folder, node, token) as city:
        latest = next(city.list_all("findings", study=name), None)
        finding = city.finding(name if latest is None else latest["id"])
        if bundle is not None:
            bundle.write_bytes(city.bundle(finding["id"]))
    show(finding, as_json=as_json, human=lambda: _tell(finding))


def _tell(finding: dict[str, Any]) -> None:
    click.echo(finding["sentence"]["en"])
    click.echo(finding["sentence"]["fr"])
    effect, unit = finding["effect"], ""
    if effect is not None:
        unit = effect["unit"]["en"]
        low, high = ("unbounded" if effect[end] is None else f"{effect[end]:.1f}" for end in ("low", "high"))
        told = f"{effect['value']:.1f} {unit} ({low} to {high}, {effect['level']:.0%})"
    show_fields(
        {
            "finding": finding["id"],
            "verdict": finding["verdict"],
            "effect": None if effect is None else told,
            "compared with": finding["comparison"]["en"],
            "blocked by": ", ".join(finding["blocked_by"]) or None,
        }
    )
    show_table(
        ("check", "outcome", "detail"),
        ((check["title"]["en"], check["outcome"], check["detail"]["en"]) for check in finding["checks"]),
    )


@click.command("verify")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-key", help="The city's key (base64), from its /api/v1/city; else any key may have signed.")
@with_json
def verify(bundle: Path, public_key: str | None, as_json: bool) -> None:
    """Check a finding's BUNDLE: its signature, and its numbers computed again from what is in it.

    Needs no node. Exit code 0 only if nothing is wrong.

    Example: passerelle verify curfew.zip --public-key "$(passerelle init ... --json | jq -r .public_key)"
    """
    with progress_bar(bundle.name, hidden=as_json):
        found = verify_bundle(bundle.read_bytes(), public_key)
    answer = {**msgspec.to_builtins(found), "ok": found.ok}
    fields = {**answer, "problems": "; ".join(found.problems) or "none"}
    show(answer, as_json=as_json, human=lambda: show_fields(fields))
    if not found.ok:
        raise StudyError(f"{bundle.name} does not hold", where=bundle.name)


COMMANDS = {"study": study, "verify": verify}
