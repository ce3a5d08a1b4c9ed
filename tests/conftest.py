"""Fixtures that more than one room's tests need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds`: how often a fault is injected; `make torture` says 200."""
    parser.addoption("--rounds", type=int, default=2, help="how often tests/torture injects each fault")


@pytest.fixture(scope="session")
def rounds(request: pytest.FixtureRequest) -> int:
    """How often to inject a fault: few in the default run, many in `make torture`."""
    rounds: int = request.config.getoption("--rounds")
    return rounds


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The repository's root."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that may be tested with but not shipped; CI must have it beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests with {folder}, which is absent")
        pytest.skip(f"{folder} is absent: it holds data that may not be shipped")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path | None:
    """The machine's Chromium for Playwright's `executable_path`; None is Playwright's own (Ubuntu)."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    if (CHECKOUT / ".make" / "chromium").exists():
        return None
    if os.environ.get("CI") == "true":
        pytest.fail("CI tests the pages with Chromium, which is absent")
    pytest.skip("no Chromium here; `make test` brings one")
