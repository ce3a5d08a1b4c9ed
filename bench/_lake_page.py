"""The page bench/lake.md: each of the lake's programs replaces its own section of it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from machine import describe

PAGE = Path(__file__).with_name("lake.md")
_HEAD = """# Lake

The lake measured at its own door, in one process and without HTTP. All observations are
synthetic, and made by the programs themselves.
"""


class Section:
    """Lines that are printed as they come and written to the page at the end."""

    def __init__(self, name: str, title: str) -> None:
        self._name = name
        self._title = title
        self._lines: list[str] = []
        self._others = os.getloadavg()[0]

    def say(self, line: str) -> None:
        """Print `line` and keep it."""
        print(line, flush=True)
        self._lines.append(line)

    def write(self) -> None:
        """Put the section into the page, in place of the one that was there."""
        command = f".venv/bin/python bench/{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}".strip()
        body = "\n".join(self._lines)
        section = (
            f"<!-- begin {self._name} -->\n## {self._title}\n\n{describe()}. "
            f"{self._others:.1f} processes of others wanted the cores when it began.\n\n`{command}`\n\n"
            f"```\n{body}\n```\n<!-- end {self._name} -->\n"
        )
        text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else _HEAD
        old = re.compile(rf"<!-- begin {self._name} -->.*?<!-- end {self._name} -->\n", re.DOTALL)
        text = old.sub(lambda _: section, text) if old.search(text) else f"{text}\n{section}"
        PAGE.write_text(text, encoding="utf-8")
