"""The archive: the one door through which replies, posts and files get into a city's folder."""

from passerelle.archive.admission import Admission, Kept, Posted, Sender
from passerelle.archive.archive import Archive
from passerelle.archive.events import Commit
from passerelle.archive.folder import create_folder, find_node
from passerelle.archive.opening import open_archive

__all__ = ["Admission", "Archive", "Commit", "Kept", "Posted", "Sender", "create_folder", "find_node", "open_archive"]
