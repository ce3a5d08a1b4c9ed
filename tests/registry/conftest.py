"""A registry of its own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from passerelle.registry.database import open_database, writing


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that was made once; copying is quicker than migrating."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    open_database(path).dispose()
    return path


@pytest.fixture
def engine(empty_registry: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty registry."""
    shutil.copy(empty_registry, tmp_path / "registry.sqlite")
    engine = open_database(tmp_path / "registry.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A writing transaction on the empty registry."""
    with writing(engine) as connection:
        yield connection
