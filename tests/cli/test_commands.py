"""The command line: what every command says of itself, and that it says what HTTP says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from passerelle.cli import main
from passerelle.cli.command import _COMMANDS
from passerelle.client import connect


def list_commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command that isn't a group or hidden, with the words that call it."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += list_commands(command, (*path, name))
        elif not command.hidden:
            found.append(((*path, name), command))
    return found


COMMANDS = list_commands(main)
SERVERS = {("up",)}


def run(*words: str) -> Any:
    """The outcome of a call."""
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_help_has_an_example(words: tuple[str, ...], command: click.Command) -> None:
    """Each command's help calls it in one example, explains each option, and it can answer in JSON."""
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example: passerelle " + " ".join(words) in result.output
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    assert all(option.help for option in options)
    assert words in SERVERS or "--json" in result.output


def test_the_list_says_what_the_commands_say() -> None:
    """`--help` takes each line from a table; a command's own first sentence begins alike."""
    shown = run("--help").output
    for name, (_, told) in _COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.hidden or f"  {name}" in shown
        assert command.hidden or (command.help or "").replace("\n", " ").startswith(told.rstrip("."))


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("feed", "list"), "/feeds"),
        (("feed", "show", "geodair-no2-mean"), "/feeds/geodair-no2-mean"),
        (("feed", "refused", "geodair-no2-mean"), "/feeds/geodair-no2-mean/refused"),
        (("study", "list"), "/studies"),
    ],
)
@pytest.mark.parametrize("by", ["--folder", "--node"])
def test_json_is_what_http_answers(paris: Any, words: tuple[str, ...], path: str, by: str) -> None:
    """With --json a command prints the API's own answer, by folder and by address."""
    result = run(*words, "--json", by, {"--folder": str(paris.folder), "--node": paris.url}[by])
    assert result.exit_code == 0, result.output
    with paris.client() as client:
        answer = client.get(path).json()
    assert json.loads(result.stdout) == answer.get("items", answer)


@pytest.mark.parametrize("words", [(), ("geodair-no2-mean",), ("geodair-no2-mean", "--again")])
def test_trust_says_what_http_says(paris: Any, words: tuple[str, ...]) -> None:
    """All feeds without a name, all of one with it; `--again` judges it first; a table shows the same."""
    result = run("trust", *words, "--json", "--folder", str(paris.folder))
    assert result.exit_code == 0, result.output
    with paris.client() as client:
        feeds = {feed["id"] for feed in client.get("/feeds").json()["items"]}
        series = client.get("/feeds/geodair-no2-mean/trust").json()["items"]
    answer = json.loads(result.stdout)
    if words:
        assert [one["series"] for one in answer["series"]] == [one["series"] for one in series]
    else:
        assert {feed["id"] for feed in answer} == feeds
    table = run("trust", *words[:1], "--folder", str(paris.folder))
    assert (table.exit_code, "geodair-no2-mean" in table.output, "green" in table.output) == (0, True, True)


def test_tables_are_for_people(paris: Any) -> None:
    """Without --json the same is a table."""
    result = run("feed", "list", "--folder", str(paris.folder))
    assert result.exit_code == 0
    assert "geodair-no2-mean" in result.stdout
    assert "5268" in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("feed", "show", "nothing"), "nothing"),
        (("study", "run", "nothing"), "nothing"),
        (("study", "show", "nothing"), "nothing"),
        (("token", "revoke", "999"), "999"),
        (("token", "create", "x"), "feed"),
        (("feed", "refused", "geodair-no2-max"), "Licence Ouverte"),
        (("feed", "fetch", "autolib-stations"), "autolib-stations"),
        (("import", __file__, "--feed", "nothing"), "nothing"),
        (("import", __file__, "--feed", "bike-counters", "--table"), "csv"),
        (("backup", "."), "empty"),
    ],
)
def test_errors_are_one_line(paris: Any, words: tuple[str, ...], told: str) -> None:
    """A refusal is one line on standard error that names what it is about, and exit code 1."""
    result = run(*words, "--folder", str(paris.folder))
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("passerelle: ")]
    assert len(lines) == 1
    assert told in lines[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("token", "create", "x"), "add --feed FEED"),
        (("token", "list"), "--token, or in PASSERELLE_TOKEN"),
    ],
)
def test_what_is_lacking_is_named(paris: Any, words: tuple[str, ...], told: str) -> None:
    """A feed, a token: the line on standard error says what to add."""
    result = run(*words, "--node", paris.url)
    assert result.exit_code == 1
    assert result.stderr.startswith("passerelle: ")
    assert told in result.stderr


def test_an_address_needs_its_scheme() -> None:
    """The address that was meant is named."""
    result = run("feed", "list", "--node", "127.0.0.1:18510")
    assert result.exit_code == 1
    assert "like http://127.0.0.1:18510" in result.stderr


def test_an_unreadable_file_is_told_once(tmp_path: Path) -> None:
    """Its reason stands on standard error and nowhere else."""
    folder, page = tmp_path / "city", tmp_path / "page.csv"
    page.write_text("<html>503</html>\n")
    run("init", str(folder), "--city", "paris")
    result = run("import", str(page), "--feed", "geodair-no2-mean", "--folder", str(folder))
    assert result.exit_code == 1
    assert (result.stdout, result.stderr.count("is markup")) == ("", 1)


def test_a_folder_from_first_to_last(tmp_path: Path, checkout: Path) -> None:
    """init, import, backup, restore and export do what they say; a file imported twice counts once."""
    folder, copy, again, out = (tmp_path / name for name in ("city", "copy", "again", "out"))
    made = json.loads(run("init", str(folder), "--city", "paris", "--json").stdout)
    file = str(checkout / "data/autolib/autolib_snapshot_2018-02-23.csv")
    where = (
        "--feed",
        "autolib-stations",
        "--recorded-at",
        "2018-02-24T00:00:00+01:00",
        "--folder",
        str(folder),
        "--json",
    )
    first, second = (json.loads(run("import", file, *where).stdout) for _ in range(2))
    backed = json.loads(run("backup", str(copy), "--folder", str(folder), "--json").stdout)
    restored = json.loads(run("restore", str(copy), str(again), "--json").stdout)
    exported = run("export", str(out), "--folder", str(again), "--json")
    assert made["city"] == "paris"
    assert first == second
    assert first["rows"] == 5 * 1119
    assert backed == restored == {"replies": 1, "series": 5595, "observations": 5595}
    assert exported.exit_code == 0
    assert (out / "metadata.json").exists()
    assert run("init", str(folder), "--city", "paris").exit_code == 1
    assert run("init", str(tmp_path / "x"), "--city", "atlantis").exit_code == 1


def test_replies_are_read_again(paris: Any, tmp_path: Path, checkout: Path) -> None:
    """By the running node and in a stopped folder, one feed or all: a parser that reads alike changes nothing."""
    read = {"replies": 1, "unreadable": 0, "changed": 0, "withdrawn": 0}
    running = run("feed", "reread", "geodair-no2-mean", "--folder", str(paris.folder), "--json")
    assert json.loads(running.stdout) == {"geodair-no2-mean": read}
    where = ("--folder", str(tmp_path / "city"))
    run("init", str(tmp_path / "city"), "--city", "paris")
    file = checkout / "data/autolib/autolib_snapshot_2018-02-23.csv"
    assert run("import", str(file), "--feed", "autolib-stations", *where).exit_code == 0
    assert json.loads(run("feed", "reread", *where, "--json").stdout) == {"autolib-stations": read}
    assert run("feed", "reread", *where).stdout.split() == [
        *("feed", "replies", "unreadable", "changed", "withdrawn"),
        *("autolib-stations", "1", "0", "0", "0"),
    ]
    assert run("feed", "reread", "nothing", *where).exit_code == 1


def test_a_study_is_declared_run_and_verified(tmp_path: Path, checkout: Path) -> None:
    """The curfew's study runs from the recording to a bundle that verifies; a byte changed does not."""
    folder, bundle = tmp_path / "city", tmp_path / "finding.zip"
    where = ("--folder", str(folder), "--json")
    made = json.loads(run("init", str(folder), "--city", "paris", "--json").stdout)
    counts = checkout / "data/paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"
    assert run("import", str(counts), "--feed", "bike-counters", *where).exit_code == 0
    declared = json.loads(run("study", "declare", str(checkout / "cities/paris/curfew-18h-2021.toml"), *where).stdout)
    finding = json.loads(run("study", "run", declared["id"], *where).stdout)
    listed = json.loads(run("study", "list", *where).stdout)
    assert finding["id"] in run("study", "list", "--folder", str(folder)).stdout
    with connect(folder) as city:
        told: list[tuple[int, int]] = []
        assert city.study(declared["id"]).run(lambda done, total: told.append((done, total))) == finding
        assert city.study(declared["id"]).run() == finding
        matrix = city.design_matrix(finding["id"])
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert matrix.height == finding["n"]["before"] + finding["n"]["after"]
    by_study = run("study", "show", declared["id"], *where)
    assert json.loads(by_study.stdout) == finding
    shown = run("study", "show", finding["id"], "--bundle", str(bundle), "--folder", str(folder))
    verified = run("verify", str(bundle), "--public-key", finding["signature"]["public_key"], "--json")
    other = run("verify", str(bundle), "--public-key", "A" * 43 + "=", "--json")
    body = bytearray(bundle.read_bytes())
    body[len(body) // 2] ^= 1
    (tmp_path / "broken.zip").write_bytes(body)
    assert finding["change"] == declared["change"]
    assert [row["finding"]["id"] for row in listed] == [finding["id"]]
    assert finding["sentence"]["fr"] in shown.stdout
    assert json.loads(verified.stdout)["ok"]
    assert made["public_key"] == finding["signature"]["public_key"]
    assert (verified.exit_code, other.exit_code) == (0, 1)
    assert run("verify", str(tmp_path / "broken.zip")).exit_code == 1


def test_a_change_is_added_once(tmp_path: Path, checkout: Path) -> None:
    """It is listed without a verdict; the same words change nothing, other words and a study's file are refused."""
    folder = tmp_path / "folder"
    run("init", str(folder), "--city", "paris", "--json")
    where = ("--folder", str(folder))
    source = checkout / "cities/paris/changes/rue-de-rivoli-2020.toml"
    added = json.loads(run("change", "add", str(source), *where, "--json").stdout)
    assert run("change", "add", str(source), *where).exit_code == 0
    (listed,) = json.loads(run("change", "list", *where, "--json").stdout)
    assert (listed["id"], listed["finding"]) == (added["id"], None)
    assert added["id"] in run("change", "list", "--sector", "mobility", *where).stdout
    assert json.loads(run("change", "list", "--sector", "waste", *where, "--json").stdout) == []
    other = tmp_path / "other.toml"
    other.write_text(source.read_text(encoding="utf-8").replace('by = "', 'by = "not '), encoding="utf-8")
    refused = run("change", "add", str(other), *where)
    assert (refused.exit_code, "with another by" in refused.stderr) == (1, True)
    studied = run("change", "add", str(checkout / "cities/paris/curfew-18h-2021.toml"), *where)
    assert (studied.exit_code, "`study`" in studied.stderr) == (1, True)
    assert json.loads(run("change", "list", *where, "--json").stdout) == [listed]


def test_tokens_come_and_go(paris: Any) -> None:
    """A token made at the command line is listed without its secret, and revoked."""
    where = ("--folder", str(paris.folder), "--json")
    made = json.loads(run("token", "create", "cli", "--feed", "bike-counters", *where).stdout)
    listed = {token["id"]: token for token in json.loads(run("token", "list", *where).stdout)}
    revoked = json.loads(run("token", "revoke", str(made["id"]), *where).stdout)
    assert made["secret"].startswith("psr_")
    assert listed[made["id"]]["secret"] is None
    assert revoked["revoked"] is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_ctrl_c_is_one_line(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Ctrl-C in a command, or within a query of the engine, ends with one line and the shells' exit code for it."""

    def interrupt(*_: object, **__: object) -> None:
        raise error from KeyboardInterrupt()

    monkeypatch.setattr(click.Group, "invoke", interrupt)
    result = run("feed", "list")
    assert (result.exit_code, result.stderr) == (130, "passerelle: interrupted by Ctrl-C\n")


def test_a_study_is_amended_in_the_open(tmp_path: Path, checkout: Path) -> None:
    """The answer names the reason, and that the data of 2021 were there; without a reason nothing is amended."""
    folder = tmp_path / "folder"
    run("init", str(folder), "--city", "paris", "--json")
    where = ("--folder", str(folder), "--json")
    source = checkout / "cities/paris/curfew-18h-2021.toml"
    run("study", "declare", str(source), *where)
    other = tmp_path / "other.toml"
    other.write_text(source.read_text(encoding="utf-8").replace("smallest_effect = 10.0", "smallest_effect = 5.0"))
    amended = json.loads(run("study", "amend", str(other), "--reason", "less matters too", *where).stdout)
    (told,) = amended["amendments"]
    assert (told["reason"], told["data_seen"]) == ("less matters too", True)
    assert (told["replaced"]["declaration"]["smallest_effect"], amended["declaration"]["smallest_effect"]) == (10, 5)
    assert json.loads(run("study", "list", *where).stdout)[0]["hash"] == amended["hash"]
    assert run("study", "amend", str(other), *where).exit_code == 2
