"""Text as the search compares it: without accents, ligatures and capitals."""

from __future__ import annotations

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "’": "'", "₂": "2", "₃": "3"})


def fold(text: str) -> str:
    """`text` with capitals, accents and ligatures resolved, runs of white space made one space.

    >>> fold("Champs-Élysées  NŒUD ₂")
    'champs-elysees noeud 2'
    """
    plain = text.casefold().translate(_LIGATURES)
    letters = (letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
    return " ".join("".join(letters).split())
