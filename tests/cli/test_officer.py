"""`passerelle officer`: the account that signs in on the page is made and removed beside the folder."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from passerelle.api.local import LocalNode
from passerelle.archive.folder import create_folder
from passerelle.cli import main

PASSWORD = "correct horse battery"  # noqa: S105


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city's folder that nobody runs."""
    create_folder(tmp_path / "paris", "paris")
    return tmp_path / "paris"


def run(folder: Path, *words: str, line: str = "") -> tuple[int, str]:
    """The exit code and all that was said."""
    result = CliRunner().invoke(main, ["officer", *words, "--folder", str(folder)], input=line)
    return result.exit_code, result.output


def sign_in(folder: Path, name: str) -> int:
    """The status that the node answers to the name with the password."""
    body = msgspec.json.encode({"name": name, "password": PASSWORD})
    with closing(LocalNode(folder)) as node:
        return node.ask(
            "POST", "/api/v1/session", content=body, headers={"content-type": "application/json"}
        ).status_code


def test_an_officer_is_set_and_removed(folder: Path) -> None:
    """The first line of standard input is the password, which is not said again; removed, nobody signs in."""
    code, said = run(folder, "set", "jeanne", line=f"{PASSWORD}\nmore\n")
    assert code == 0
    assert "jeanne" in said
    assert PASSWORD not in said
    assert sign_in(folder, "jeanne") == 201
    assert run(folder, "remove")[0] == 0
    assert sign_in(folder, "jeanne") == 401
    assert run(folder, "remove")[0] == 1


def test_a_short_password_is_refused(folder: Path) -> None:
    """Fourteen characters are one too few, and no account is made."""
    code, said = run(folder, "set", "jeanne", line="x" * 14)
    assert code == 1
    assert "14 characters; 15 to 256 are allowed" in said
    assert sign_in(folder, "jeanne") == 401
