"""The XML of a reply, read without document types, entities or anything outside it.

A document type is how XML is made to expand without bound or to fetch files and addresses; no standard
read here has one, so that a reply with one is refused before it can declare anything.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from passerelle.feeds._text import read_bytes
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

DEEPEST: Final = 64
"""Elements within elements; a choice: the deepest recorded reply, of SIRI, has 7."""

MOST: Final = 1_000_000
"""Elements of a reply; a choice: the largest recorded one has 6,421, and as many as this take some 200 MB."""

_LONGEST_NAME = 1024
"""Characters of a namespace, which expat repeats in each name it gives: a long one would multiply."""


def read_xml(reply: Reply) -> tuple[str, Element]:
    """The root's namespace and the root, which `ReplyError` replaces where the reply is no whole, plain XML.

    Names of the root's namespace come without it, so that a form reads every version of its standard;
    names of other namespaces come as `{namespace}name`. Comments and instructions are left out.
    """
    tree = _Tree()
    parser = ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = tree.refuse_doctype
    parser.StartNamespaceDeclHandler = tree.declare
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.builder.data
    try:
        parser.Parse(read_bytes(reply), True)
    except (ExpatError, LookupError, ValueError) as error:
        # The last two are an encoding that Python doesn't know or that isn't one of text.
        raise ReplyError(f"the reply is no whole XML: {error}", where="body") from error
    return tree.namespace, tree.builder.close()


class _Tree:
    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.namespace = ""
        self._depth = 0
        self._count = 0

    def refuse_doctype(self, name: str, *_: object) -> None:
        raise ReplyError(f"the reply has a document type, {name[:40]!r}; none is allowed", where="body")

    def declare(self, _: str | None, namespace: str | None) -> None:
        if len(namespace or "") > _LONGEST_NAME:
            raise ReplyError(f"a namespace has more than {_LONGEST_NAME} characters", where="body")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST:
            raise ReplyError(
                f"the reply has more than {DEEPEST} elements in one another or {MOST} in all", where="body"
            )
        if self._count == 1:
            self.namespace = name.rpartition("}")[0]
        self.builder.start(self._name(name), {self._qualified(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self.builder.end(self._name(name))

    def _name(self, name: str) -> str:
        namespace, _, local = name.rpartition("}")
        return local if namespace == self.namespace else self._qualified(name)

    def _qualified(self, name: str) -> str:
        return f"{{{name}" if "}" in name else name
