"""The reference engine keeps the contract."""

from __future__ import annotations

from passerelle.lake.memory import MemoryLake
from passerelle.lake.testing import LakeTests


class TestMemoryLake(LakeTests):
    """`MemoryLake` passes the conformance tests."""

    open_lake = MemoryLake
