"""How long `passerelle demo` takes until its line `ready`: on empty folders, and on those it left.

Writes bench/ready.md. The installs of `make demo` aren't in it.
"""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

HERE = Path(__file__).parent
PORT = 18440
RUNS = 3


def measure(folder: Path) -> float:
    """Seconds from the call to the line `ready`; the demo is stopped then, as by Ctrl-C."""
    program = Path(sys.executable).with_name("passerelle")
    began = time.perf_counter()
    with subprocess.Popen(
        [program, "demo", "--folder", folder, "--port", str(PORT)], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        if not any(line.startswith("ready") for line in demo.stdout):
            raise SystemExit(f"the demo ended with exit code {demo.wait()} before it was ready")
        seconds = time.perf_counter() - began
        demo.send_signal(signal.SIGINT)
        if code := demo.wait():
            raise SystemExit(f"the demo ended with exit code {code} after SIGINT")
    return seconds


def main() -> None:
    """Measure both starts and write the page."""
    firsts, seconds = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            firsts.append(measure(Path(folder) / "demo"))
            seconds.append(measure(Path(folder) / "demo"))
    rows = [("first start, histories imported and studies run", "≤ 60 s", firsts), ("second start", "≤ 5 s", seconds)]
    page = [
        "# Ready",
        "",
        f"`.venv/bin/python bench/run.py ready`, median of {RUNS} (least to most), both cities, on",
        f"{describe()}.",
        "",
        "| what | reach | ours |",
        "|---|---|---|",
        *(
            f"| {what} | {reach} | {statistics.median(runs):.1f} s ({min(runs):.1f} to {max(runs):.1f}) |"
            for what, reach, runs in rows
        ),
    ]
    (HERE / "ready.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(page))


if __name__ == "__main__":
    main()
