"""The embedded engine keeps the contract."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from passerelle.lake.ducklake import DuckLakeStore, open_lake
from passerelle.lake.testing import LakeMachine, LakeTests


@pytest.fixture(scope="session", autouse=True)
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake, made once: each test opens a copy, which takes a third of the time."""
    folder: Path = tmp_path_factory.mktemp("lake") / "empty"
    open_lake(folder).close()
    TestDuckLake.empty = folder
    return folder


class TestDuckLake(LakeTests):
    """`DuckLakeStore` passes the conformance tests."""

    empty: Path

    @staticmethod
    def open_lake(folder: Path) -> DuckLakeStore:
        """The lake in `folder`, from the template where it is empty."""
        if not any(folder.iterdir()):
            shutil.copytree(TestDuckLake.empty, folder, dirs_exist_ok=True)
        return open_lake(folder)


class DuckLakeMachine(LakeMachine):
    """`DuckLakeStore` beside the reference."""

    open_lake = TestDuckLake.open_lake


TestDuckLakeMachine = DuckLakeMachine.TestCase
TestDuckLakeMachine.settings = settings(max_examples=6, stateful_step_count=20, deadline=None)
