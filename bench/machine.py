"""Prints in one line what machine this is, for the head of each page of results."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe() -> str:
    """Cores, processor, memory, kernel, distribution and the versions that decide speed.

    Whatever the system doesn't say is left out.
    """
    processor = _value(Path("/proc/cpuinfo"), "model name", ":") or platform.machine()
    memory = int(_value(Path("/proc/meminfo"), "MemTotal", ":").split()[0]) / 1024**2
    system = _value(Path("/etc/os-release"), "PRETTY_NAME", "=").strip('"')
    parts = [
        f"{len(os.sched_getaffinity(0))} cores of {processor}",
        f"{memory:.0f} GiB",
        system,
        f"Linux {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "granian")),
    ]
    return ", ".join(parts)


def _value(path: Path, key: str, separator: str) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(separator)
        if name.strip() == key:
            return value.strip()
    return ""


if __name__ == "__main__":
    print(describe())
