"""What README.md shows is what one gets: its examples, run against the demo."""

from __future__ import annotations

import doctest
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

CHECKOUT = Path(__file__).parents[1]
PASSERELLE = Path(sys.executable).with_name("passerelle")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Demo:
    """A running `passerelle demo paris`: where it answers, its folders, and the lines it printed."""

    url: str
    folder: Path
    lines: list[str]

    def localise(self, text: str) -> str:
        """`text` of README.md with this demo's address and folder."""
        return text.replace("http://127.0.0.1:8101", self.url).replace("demo/", f"{self.folder}/")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo of Paris; it must end with exit code 0 on Ctrl-C."""
    folder = tmp_path_factory.mktemp("readme") / "demo"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [PASSERELLE, "demo", "paris", "--folder", folder, "--port", str(port)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("ready"):
                break
        yield Demo(f"http://127.0.0.1:{port}", folder, lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def examples(language: str) -> list[str]:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8").partition("## Ask it things")[2]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_last_line_is_ready(demo: Demo) -> None:
    """The demo's last line begins with `ready` and says the address."""
    assert demo.lines[-1] == f"ready {demo.url}"


@pytest.mark.parametrize("example", examples("console"))
def test_commands_answer_as_shown(demo: Demo, example: str) -> None:
    """Each command of README.md answers what stands below it."""
    command, expected = demo.localise(example).removeprefix("$ ").split("\n", 1)
    words = shlex.split(command)
    if words[:2] == ["curl", "-s"]:
        answer = httpx.get(words[2]).text
    else:
        words[0] = words[0].replace(".venv/bin/passerelle", str(PASSERELLE))
        answer = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert doctest.OutputChecker().check_output(expected, answer, FLAGS), answer


@pytest.mark.parametrize("example", examples("pycon"))
def test_python_answers_as_shown(demo: Demo, example: str) -> None:
    """Each line of Python in README.md gives what stands below it."""
    test = doctest.DocTestParser().get_doctest(demo.localise(example), {}, "README.md", "README.md", 0)
    said: list[str] = []
    failed = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False).failed
    test.globs["city"].close()
    assert failed == 0, "".join(said)
