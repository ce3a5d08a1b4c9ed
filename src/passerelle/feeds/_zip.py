"""The files inside a reply that is a ZIP archive, checked and bounded."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from passerelle.feeds._text import LARGEST
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

MOST: Final = 1_000
"""Files of an archive; a choice: the recorded ones have at most 20."""

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


def read_zip(reply: Reply) -> dict[str, bytes]:
    """The archive's files by name; each file's checksum holds, or the reply is a `ReplyError`."""
    found: dict[str, bytes] = {}
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST:
                raise ReplyError(f"the archive has {len(members)} files; at most {MOST} are read", where="body")
            for member in members:
                with archive.open(member) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise ReplyError(f"the archive unpacks to more than {LARGEST} bytes", where="body")
                found[member.filename] = content
    except _BROKEN as error:
        raise ReplyError(f"the reply is no whole ZIP archive: {error}", where="body") from error
    return found
