"""All conformance tests in one class."""

from __future__ import annotations

from passerelle.lake.testing.keeping import KeepingTests
from passerelle.lake.testing.reading import ReadingTests
from passerelle.lake.testing.writing import WritingTests


class LakeTests(WritingTests, ReadingTests, KeepingTests):
    """The contract's rules, each checked with rows pending and with rows filed.

    A subclass sets `open_lake`, which opens (or makes) the lake in a folder, and may add tests
    but not override one.
    """

    def __init_subclass__(cls) -> None:
        overridden = [name for name in vars(cls) if name.startswith("test_") and hasattr(LakeTests, name)]
        if overridden:
            raise TypeError(f"{cls.__name__} overrides {', '.join(overridden)} of LakeTests")
