"""The house's rules that no linter knows: sizes, import places, words, and the rooms of ARCHITECTURE.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "src" / "passerelle"
TESTS = CHECKOUT / "tests"
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
WORDS = ("simply", "just", "robust", "comprehensive", "seamless", "enhanced")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "node_modules" not in path.parts)


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def read_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, line: int | None = None) -> str:
    return f"{path.relative_to(CHECKOUT)}{'' if line is None else f':{line}'}"


def fail_on(found: list[str], rule: str) -> None:
    assert not found, f"{rule}:\n  " + "\n  ".join(found)


def architecture_rows() -> dict[str, str]:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(\w+)` \| .* \| `([\w./]+)` \|$", text, re.MULTILINE))


def test_every_room_is_in_the_table() -> None:
    """ARCHITECTURE.md lists exactly the packages and top modules of src/passerelle."""
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    rooms |= {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert set(architecture_rows()) == rooms


def test_the_tables_files_exist() -> None:
    """Each room's row of ARCHITECTURE.md names a file that is there."""
    fail_on([file for file in architecture_rows().values() if not (PACKAGE / file).is_file()], "named but absent")


def test_tests_mirror_the_package() -> None:
    """A folder of tests is a room, the pages, or the torture runs."""
    rooms = {*architecture_rows(), "web", "torture"}
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py") if path.parent != TESTS}
    assert folders <= rooms


def test_modules_are_short() -> None:
    """No module of the package, the tests, the benchmarks or the pages has more than 400 lines."""
    pages = [path for end in ("*.ts", "*.svelte", "*.css") for path in (CHECKOUT / "web" / "src").rglob(end)]
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in [*sources(PACKAGE, TESTS, CHECKOUT / "bench"), *pages]
    }
    fail_on(
        [f"{place(path)} has {length}" for path, length in lengths.items() if length > LONGEST_MODULE],
        f"at most {LONGEST_MODULE} lines",
    )


def test_functions_are_short() -> None:
    """No function of the package has more than 50 lines, decorators and docstring included."""
    found = [
        f"{place(path, node.lineno)} {node.name} has {length}"
        for path in sources(PACKAGE)
        for node in functions(read_tree(path))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    fail_on(found, f"at most {LONGEST_FUNCTION} lines")


def test_imports_stand_at_the_top() -> None:
    """No function imports a module of ours: the layers would be hidden."""
    found = [
        f"{place(path, node.lineno)} in {function.name}"
        for path in sources(PACKAGE)
        for function in functions(read_tree(path))
        for node in ast.walk(function)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "passerelle")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "passerelle" for alias in node.names))
    ]
    fail_on(found, "import our own modules at the top")


def test_forms_do_not_import_each_other() -> None:
    """A publisher's form knows no other form: only the shared modules and the private ones."""
    forms = {path.stem for path in sources(PACKAGE / "feeds") if "\nFORM = " in path.read_text(encoding="utf-8")}
    found = [
        f"{place(path, node.lineno)} imports {node.module}"
        for path in sources(PACKAGE / "feeds")
        if path.stem in forms
        for node in ast.walk(read_tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").removeprefix("passerelle.feeds.") in forms
    ]
    fail_on(found, "forms are independent")


def test_packages_do_nothing_when_imported() -> None:
    """An `__init__.py` holds a docstring, imports, and lists of names."""
    found = [
        place(path, node.lineno)
        for path in sources(PACKAGE)
        if path.name == "__init__.py"
        for node in read_tree(path).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.Assign) and is_list_of_names(node.value))
    ]
    fail_on(found, "only public names in __init__.py")


def is_list_of_names(value: ast.expr) -> bool:
    return isinstance(value, ast.List | ast.Tuple) and all(
        isinstance(item, ast.Constant | ast.Name | ast.Attribute) for item in value.elts
    )


def test_broad_handlers_stand_at_two_doors() -> None:
    """Everything is caught only where a failed feed becomes an event or an error an answer, or to be raised again."""
    doors = (PACKAGE / "ingest", PACKAGE / "api" / "problem.py")
    found = [
        place(path, node.lineno)
        for path in sources(PACKAGE)
        if not any(path.is_relative_to(door) for door in doors)
        for node in ast.walk(read_tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
        and not is_bare_raise(node.body[-1])
    ]
    fail_on(found, "name the errors that are handled")


def is_bare_raise(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and statement.exc is None


def test_no_city_is_named_in_code() -> None:
    """A city is a TOML file: no string or name says one, but a form's own name, help texts and shipped test classes.

    The node of reference sets is no city, and its name a common word.
    """
    stems = {path.stem for path in (CHECKOUT / "cities").glob("*.toml")} - {"reference"}
    names = [stem.replace("-", "[ _-]?") for stem in sorted(stems)]
    cities = re.compile(rf"(?<![a-z])({'|'.join(names)})(?![a-z])", re.IGNORECASE)
    found = [
        f"{place(path, line)} {text!r}"
        for path in sources(PACKAGE)
        if "testing" not in path.parts
        for line, text in words_of_code(read_tree(path))
        if cities.search(text)
    ]
    fail_on(found, "cities belong in cities/")


def words_of_code(tree: ast.Module) -> Iterator[tuple[int, str]]:
    exempt = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and node.body and isinstance(node.body[0], ast.Expr):
            exempt.add(node.body[0].value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Form":
            exempt |= set(ast.walk(node))
        if isinstance(node, ast.keyword) and node.arg == "help":
            exempt |= set(ast.walk(node))
    for node in set(ast.walk(tree)) - exempt:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if isinstance(node, ast.Name):
            yield node.lineno, node.id


def test_nothing_of_ours_is_mocked() -> None:
    """Tests run the real parts: none imports `unittest.mock`."""
    found = [
        place(path, number)
        for path in sources(TESTS)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.match(r"\s*(from|import) unittest\b", line)
    ]
    fail_on(found, "no mocks")


def test_every_test_is_a_claim() -> None:
    """Each test says in its docstring what it claims."""
    found = [
        f"{place(path, node.lineno)} {node.name}"
        for path in sources(TESTS)
        for node in functions(read_tree(path))
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    fail_on(found, "a test's docstring is its claim")


def texts() -> list[Path]:
    """Everything people read: Python, TypeScript, shell, TOML and Markdown, but this file, which holds the list."""
    ends = {".py", ".ts", ".svelte", ".md", ".sh", ".toml"}
    tops = ("src", "tests", "bench", "docs", "setup", "cities", "data", "web/src")
    inside = [path for top in tops for path in (CHECKOUT / top).rglob("*") if path.suffix in ends]
    return sorted({*CHECKOUT.glob("*.md"), *inside} - {Path(__file__)})


@pytest.mark.parametrize("word", WORDS)
def test_words_that_say_nothing(word: str) -> None:
    """No comment, docstring or page uses a word whose removal loses nothing."""
    # "Just before", "just sent" are times; a cluster-robust error is a term of statistics.
    pattern = re.compile(rf"(?<!cluster-)\b{word}(ly|ness)?\b(?! (before|after|come|sent)\b)", re.IGNORECASE)
    found = [
        f"{place(path, number)} {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    fail_on(found, f"do without {word!r}")


def test_reminders_name_an_issue() -> None:
    """A TODO says which issue it waits for."""
    found = [
        f"{place(path, number)} {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d)", line)
    ]
    fail_on(found, "which issue?")
