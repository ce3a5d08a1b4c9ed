"""The lines that the pages give for programs, run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.web.conftest import Reader
from tests.web.test_page import find_series

pytestmark = pytest.mark.browser

# DuckDB's own program comes as a download; its library answers the same statement.
DUCKDB = f"""#!{sys.executable}
import sys, duckdb
assert sys.argv[1] == "-c"
print(duckdb.sql(sys.argv[2]))
"""
DATASET = "/data/geodair-no2-mean/no2_daily_mean"
ANSWER = "/datasets/geodair-no2-mean/no2_daily_mean"


def read_snippet(reader: Reader, address: str, language: str) -> str:
    """The lines under a tab, as they are copied."""
    page = reader.open(address, ".snippets")
    page.get_by_role("tab", name=language, exact=True).click()
    return str(page.locator(".snippets code").text_content())


def run(command: list[str], folder: Path) -> str:
    """What a program prints that runs in the folder, where `duckdb` can be found."""
    program = folder / "duckdb"
    program.write_text(DUCKDB, encoding="utf-8")
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", ["curl", "DuckDB"])
@pytest.mark.parametrize("of", ["series", "dataset"])
def test_lines_of_a_terminal(reader: Reader, tmp_path: Path, language: str, of: str) -> None:
    """They leave a Parquet file with as many rows as the API says there are, and DuckDB reads it."""
    series = find_series(reader.page, reader.url)
    address, path = (f"/data/{series}", f"/series/{series}") if of == "series" else (DATASET, ANSWER)
    lines = read_snippet(reader, address, language)
    printed = run(["bash", "-e", "-c", lines], tmp_path)
    (file,) = tmp_path.glob("*.parquet")
    rows = httpx.get(f"{reader.url}/api/v1{path}").json()["rows"]
    assert pl.read_parquet(file).height == rows
    assert ("value" in printed) == (language == "DuckDB")


@pytest.mark.parametrize(("language", "of"), [("Python", "series"), ("Python client", "series"), ("Python", "dataset")])
def test_lines_of_python(reader: Reader, tmp_path: Path, language: str, of: str) -> None:
    """They print a frame with as many rows as the API says there are."""
    series = find_series(reader.page, reader.url)
    address = f"/data/{series}" if of == "series" else DATASET
    printed = run([sys.executable, "-c", read_snippet(reader, address, language)], tmp_path)
    path = f"/series/{series}" if of == "series" else ANSWER
    rows = httpx.get(f"{reader.url}/api/v1{path}").json()["rows"]
    assert printed.startswith(f"shape: ({rows:_}, ")


def test_the_moment_asked_for_is_in_the_lines(reader: Reader, tmp_path: Path) -> None:
    """As known in 2021 nothing was there: the client's lines give no row either."""
    address = f"/data/{find_series(reader.page, reader.url)}?as_known_at=2021-06-01T10:00:00Z"
    lines = read_snippet(reader, address, "Python client")
    assert 'as_known_at="2021-06-01T10:00:00Z"' in lines
    assert run([sys.executable, "-c", lines], tmp_path).startswith("shape: (0, ")


def test_tabs_are_moved_by_arrow_keys(reader: Reader) -> None:
    """One tab is in the order of Tab; the arrows go round them, and the lines follow."""
    page = reader.open(DATASET, ".snippets")
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent.trim()") == "DuckDB"
    assert "read_parquet" in str(page.locator(".snippets code").text_content())
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent.trim()") == "curl"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "tabpanel"
