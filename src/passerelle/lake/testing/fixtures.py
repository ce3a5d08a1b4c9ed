"""The lakes that the conformance tests work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from passerelle.lake.contract import Lake
from passerelle.lake.testing.rows import Row, origin_of, rows_of


class LakeFixtures:
    """A fresh lake a test, and a short way to put rows into it."""

    open_lake: Callable[[Path], Lake]

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Iterator[Lake]:
        """An empty lake."""
        folder = tmp_path / "lake"
        folder.mkdir()
        lake = type(self).open_lake(folder)
        yield lake
        lake.close()

    @pytest.fixture(params=["pending", "filed"])
    def put(self, lake: Lake, request: pytest.FixtureRequest) -> Callable[..., None]:
        """Appends rows under a key of their own, known since the minute given."""
        count = 0

        def put(known: float, *rows: Row, length: int = 15) -> None:
            nonlocal count
            count += 1
            lake.append(rows_of(*rows, length=length), origin_of(f"batch {count}", known))
            if request.param == "filed":
                lake.flush()

        return put
