"""A finding as a reference that a paper or a report can cite."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_SPECIAL = re.compile(r"[\\{}$&#%_^~]")
_WRITTEN = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}


def write_bibtex(finding: Mapping[str, Any], change: Mapping[str, Any], *, city: Mapping[str, str], site: str) -> str:
    """The BibTeX entry (`@misc`, UTF-8) of a finding on `change`, by the node at `site` of the city of that name.

    The note holds what tells this finding from a later one: its id, and the hash of its declaration.
    """
    computed = datetime.fromisoformat(finding["computed_at"])
    title = f"{change['title']['en']}: {finding['outcome']['en']}"
    fields = {
        "author": f"{{Passerelle, {_escape(city['en'])}}}",
        "title": f"{{{_escape(title)}}}",
        "year": str(computed.year),
        "month": str(computed.month),
        "day": str(computed.day),
        "note": _escape(
            f"{finding['sentence']['en']} Finding {finding['id']}; declaration {finding['declaration']['hash']}"
        ),
        "url": f"{site}/changes/{change['id']}",
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{finding['id']},\n{lines}}}\n"


def _escape(words: str) -> str:
    return _SPECIAL.sub(lambda sign: _WRITTEN.get(sign[0], f"\\{sign[0]}"), words)
