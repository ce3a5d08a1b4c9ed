"""The files inside a reply that is a ZIP archive, checked and bounded."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Collection
from typing import Final

from passerelle.feeds._text import LARGEST
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

MOST: Final = 1_000
"""Files of an archive; a choice: the recorded ones have at most 20."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Python's reader looks into an empty name without a check: hence IndexError.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, IndexError, ValueError)


def read_zip(reply: Reply, names: Collection[str] | None = None) -> dict[str, bytes]:
    """The archive's files by name, or those of them in `names`; each file's checksum holds, or it is a `ReplyError`."""
    found: dict[str, bytes] = {}
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST:
                raise ReplyError(f"the archive has {len(members)} files; at most {MOST} are read", where="body")
            for member in members:
                if names is not None and member.filename not in names:
                    continue
                if member.compress_type not in _METHODS:
                    raise ReplyError(f"{member.filename[:100]!r} is packed in another way than deflate", where="body")
                if member.filename in found:
                    raise ReplyError(f"the archive has {member.filename[:100]!r} twice", where="body")
                with archive.open(member) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise ReplyError(f"the archive unpacks to more than {LARGEST} bytes", where="body")
                found[member.filename] = content
    except _BROKEN as error:
        raise ReplyError(f"the reply is no whole ZIP archive: {error}", where="body") from error
    return found
