"""What a published figure is, for `lab_figures.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figures:
    """Published numbers of one analysis by name, who published them, how near ours must come, and how ours are made.

    `compute` takes the folder of the public data sets and answers with a number for each name.
    """

    title: str
    source: str
    tolerance: float
    published: Mapping[str, float]
    compute: Callable[[Path], Mapping[str, float]]
