"""What every engine must pass: `LakeTests`, subclassed once per engine, and `LakeMachine`."""

from passerelle.lake.testing.lake_tests import LakeTests
from passerelle.lake.testing.machine import LakeMachine

__all__ = ["LakeMachine", "LakeTests"]
