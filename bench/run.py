"""Runs the benchmarks one after another; each is a program beside this one that rewrites its own page of results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from machine import describe

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """The number of benchmarks that failed; `names` picks some, all when empty."""
    others = {"run", "machine"}
    programs = [path for path in sorted(HERE.glob("*.py")) if path.stem not in others and not path.stem.startswith("_")]
    chosen = [path for path in programs if not names or path.stem in names]
    print(describe(), flush=True)
    failed = 0
    for number, program in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] bench/{program.name}", flush=True)
        failed += subprocess.run([sys.executable, program], cwd=HERE.parent, env=os.environ).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
