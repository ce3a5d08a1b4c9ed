"""The pages say what is so: tables, links, targets, dependencies and data cards."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[1]
DECISIONS = CHECKOUT / "docs" / "decisions"
LARGEST_DATA = 40_000_000


def load_tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", CHECKOUT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages() -> list[Path]:
    tops = ("docs", "bench", "data", "cities", "setup", "tests")
    return sorted({*CHECKOUT.glob("*.md"), *(path for top in tops for path in (CHECKOUT / top).rglob("*.md"))})


@pytest.mark.parametrize(
    "page", ["README.md", "docs/quantities.md", "docs/trust.md", "docs/decisions/README.md", "bench/README.md"]
)
def test_tables_are_what_the_program_says(page: str) -> None:
    """Feeds, commands, quantities, decisions and results are listed as they are; `make docs` rewrites them."""
    assert (CHECKOUT / page).read_text(encoding="utf-8") == load_tables().fill(page)


def test_links_lead_somewhere() -> None:
    """Every relative link and picture of a page is a file of this repository."""
    found = [
        f"{page.relative_to(CHECKOUT)}: {target}"
        for page in pages()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert found == []


def test_code_names_pages_that_exist() -> None:
    """Every `docs/x.md` that a Python file speaks of is there."""
    found = [
        f"{path.relative_to(CHECKOUT)}: {page}"
        for path in sorted((CHECKOUT / "src").rglob("*.py"))
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text(encoding="utf-8"))
        if not (CHECKOUT / page).exists()
    ]
    assert found == []


def test_make_targets_exist() -> None:
    """Every `make x` a page speaks of is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for page in pages()
        for name in re.findall(r"`(?:\w+=\S+ )*make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert named <= targets


def test_every_dependency_was_decided() -> None:
    """Each package we ask for by name stands in code type on a page of docs/decisions/."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    web = json.loads((CHECKOUT / "web" / "package.json").read_text(encoding="utf-8"))
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in asked}
    names |= set(web["dependencies"]) | set(web["devDependencies"])
    names -= {name for name in names if name.startswith("@types/")}  # types of what is decided elsewhere
    text = "\n".join(path.read_text(encoding="utf-8") for path in DECISIONS.glob("*.md"))
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_folder_of_data_has_a_card() -> None:
    """Each folder of data/ says in a README what it holds, from whom and under which licence."""
    folders = [path for path in (CHECKOUT / "data").iterdir() if path.is_dir()]
    assert [path.name for path in folders if not (path / "README.md").exists()] == []
    wordless = [
        path.name for path in folders if "licence" not in (path / "README.md").read_text(encoding="utf-8").lower()
    ]
    assert wordless == []


def test_the_data_stay_small() -> None:
    """What is shipped in data/ is at most 40 MB in all."""
    assert sum(path.stat().st_size for path in (CHECKOUT / "data").rglob("*") if path.is_file()) <= LARGEST_DATA


def test_pictures_are_pictures() -> None:
    """Each screenshot is a PNG of some size."""
    pictures = list((CHECKOUT / "docs" / "screenshots").glob("*.png"))
    assert pictures
    assert [path.name for path in pictures if not path.read_bytes().startswith(b"\x89PNG")] == []
