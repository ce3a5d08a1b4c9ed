"""The pages for people: files built from `web/`, held in memory and sent with their hash as ETag."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from passerelle.api.compression import squeeze_file
from passerelle.feeds.city import Tiles

_UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Passerelle</title>
<h1>Passerelle is running; its pages are not built</h1>
<p>Build them with <code>make pages</code> in the checkout and start the node again.
The data are at <a href="/api/v1/city">/api/v1</a>, described by <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<p lang="fr">Passerelle fonctionne, mais ses pages ne sont pas construites : lancez <code>make pages</code> puis
redémarrez le nœud.</p></html>
"""
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}


def write_policy(tiles: Tiles | None) -> str:
    """The Content-Security-Policy: nothing but what this node serves, and of the tiles' origin only pictures."""
    # The map asks for tiles itself, which is a connection, and draws what came, which is a picture.
    also = "" if tiles is None else f" {tiles.origin}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{also}; "
        f"font-src 'self'; connect-src 'self'{also}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


FIRST_ASKED = b"</api/v1/changes?limit=1000>; rel=preload; as=fetch; crossorigin=anonymous"
"""The `Link` of the first page without filters: its list comes while its scripts do."""

VIEWS = frozenset({"changes", "city", "data", "feeds", "studies"})
"""What the paths of the site's pages begin with; each is the same file, whose script shows what the path names."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, as it is sent."""

    body: bytes
    squeezed: bytes | None
    """The body as gzip, where that is smaller."""

    content_type: str
    etag: str
    cache_control: str


def read_pages(folder: Path) -> dict[str, PageFile]:
    """Every file of `folder` by its path from `/`; a page that says how to build them where there is none."""
    files = {
        "/" + path.relative_to(folder).as_posix(): _read(path.read_bytes(), path.name, hashed="assets" in path.parts)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    files["/"] = files.get("/index.html") or _read(_UNBUILT.encode(), "index.html", hashed=False)
    return files


def find_page(files: dict[str, PageFile], path: str, *, for_person: bool) -> tuple[int, PageFile] | None:
    """The file that `path` is answered with, and its status; None where that is not for the pages to answer.

    A person who asks for what isn't there gets a page that says so; a program gets a problem from the routes.
    """
    if (file := files.get(path)) is not None:
        return 200, file
    first, *_ = path.removeprefix("/").split("/", 1)
    if first in VIEWS:
        return 200, files["/"]
    return (404, files["/"]) if for_person and first not in {"api", "assets", "health", "metrics"} else None


def _read(body: bytes, name: str, *, hashed: bool) -> PageFile:
    suffix = Path(name).suffix
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if content_type.startswith("text/") or content_type.endswith(("json", "svg+xml")):
        content_type += "; charset=utf-8"
    # The builder puts a hash of the content into the names of its assets, so that those never change.
    cache = "public, max-age=31536000, immutable" if hashed else "no-cache"
    return PageFile(body, squeeze_file(body), content_type, f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', cache)
