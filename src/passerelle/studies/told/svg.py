"""A small writer of charts as SVG: axes with round ticks, lines, bands, points with intervals, bars. No script, no font
of its own; readable in black and white."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 56, 56
_INK, _FAINT, _BAND = "#1b1b1b", "#d9d9d9", "#c9d8ea"
MAIN, OTHER, EXPECTED = "#0b4f8a", "#7a6000", "#b0243a"
"""Colours of the treated, the comparison and what would have been: 4.5 to 1 on white at least (WCAG 2.2, 1.4.3)."""

Value = float | None
Label = tuple[float, str]


@dataclass(slots=True)
class Plot:
    """A chart being drawn; `x` and `y` are the ranges shown, `x_labels` the words on the horizontal axis."""

    title: str
    description: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_labels: Sequence[Label]
    y_title: str
    left: int = _LEFT
    height: int = HEIGHT
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    def line(self, points: Sequence[tuple[float, Value]], colour: str, name: str, dash: str = "") -> None:
        """A line through the points, broken where one has no value; named in the legend."""
        path, broken = [], True
        for x, y in points:
            if y is None:
                broken = True
                continue
            path.append(f"{'M' if broken else 'L'}{self._x(x)} {self._y(y)}")
            broken = False
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(f'<path d="{" ".join(path)}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        self._legend.append((colour, name, dash))

    def band(self, points: Sequence[tuple[float, Value, Value]]) -> None:
        """The area between two lines, where both have values."""
        known = [(x, low, high) for x, low, high in points if low is not None and high is not None]
        if not known:
            return
        upper = [f"{self._x(x)},{self._y(high)}" for x, _, high in known]
        lower = [f"{self._x(x)},{self._y(low)}" for x, low, _ in reversed(known)]
        self._parts.insert(0, f'<polygon points="{" ".join(upper + lower)}" fill="{_BAND}"/>')

    def dot(self, x: float, y: float, colour: str, size: float = 3.5) -> None:
        """A point."""
        self._parts.append(f'<circle cx="{self._x(x)}" cy="{self._y(y)}" r="{size}" fill="{colour}"/>')

    def span(self, x: float, low: Value, high: Value, colour: str) -> None:
        """An upright interval; an end without a value goes to the edge."""
        ends = (self._y(self.y[0] if low is None else low), self._y(self.y[1] if high is None else high))
        self._parts.append(
            f'<line x1="{self._x(x)}" x2="{self._x(x)}" y1="{ends[0]}" y2="{ends[1]}" stroke="{colour}" '
            'stroke-width="1.5"/>'
        )

    def bar(self, y: float, value: float, colour: str) -> None:
        """A lying bar from zero to `value` at the height `y`."""
        start, end = sorted((self._x(0), self._x(value)))
        self._parts.append(
            f'<rect x="{start}" y="{round(self._y(y) - 7, 2)}" width="{round(end - start, 2)}" height="14" '
            f'fill="{colour}"/>'
        )

    def text(self, x: float, y: float, words: str) -> None:
        """Words that end left of a point: the name of a bar."""
        at = f'x="{round(self._x(x) - 6, 2)}" y="{round(self._y(y) + 4, 2)}"'
        self._parts.append(f'<text {at} text-anchor="end">{escape(words)}</text>')

    def upright(self, x: float, words: str) -> None:
        """A dashed upright line with words beside it: when the change came."""
        at = self._x(x)
        self._parts.append(
            f'<line x1="{at}" x2="{at}" y1="{_TOP}" y2="{self.height - _BOTTOM}" stroke="{_INK}" '
            'stroke-dasharray="4 3"/>'
            f'<text x="{round(at + 5, 2)}" y="{_TOP + 12}">{escape(words)}</text>'
        )

    def level(self, y: float) -> None:
        """A lying line: zero."""
        self._parts.insert(
            0,
            f'<line x1="{self.left}" x2="{WIDTH - _RIGHT}" y1="{self._y(y)}" y2="{self._y(y)}" stroke="{_INK}"/>',
        )

    def write(self, language: str, *, rows: bool = True) -> str:
        """The chart as an SVG document, its words in `language`; `rows` shows the vertical axis."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'xml:lang={quoteattr(language)} font-family="sans-serif" font-size="12" fill="{_INK}">'
        )
        parts = [
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            head,
            f"<title>{escape(self.title)}</title><desc>{escape(self.description)}</desc>",
            f'<rect width="{WIDTH}" height="{self.height}" fill="#ffffff"/>',
            f'<text x="12" y="20" font-size="14" font-weight="bold">{escape(self.title)}</text>',
            self._write_legend(),
            self._write_axes(language, rows=rows),
            *self._parts,
            "</svg>\n",
        ]
        return "".join(parts)

    def _write_legend(self) -> str:
        found, at = [], 12
        for colour, name, dash in self._legend:
            dashes = f' stroke-dasharray="{dash}"' if dash else ""
            found.append(
                f'<line x1="{at}" x2="{at + 22}" y1="36" y2="36" stroke="{colour}" stroke-width="2"{dashes}/>'
                f'<text x="{at + 28}" y="40">{escape(name)}</text>'
            )
            at += 44 + 7 * len(name)
        return "".join(found)

    def _write_axes(self, language: str, *, rows: bool) -> str:
        bottom = self.height - _BOTTOM
        parts = [
            f'<text x="{self._x(x)}" y="{bottom + 18}" text-anchor="middle">{escape(words)}</text>'
            f'<line x1="{self._x(x)}" x2="{self._x(x)}" y1="{bottom}" y2="{bottom + 5}" stroke="{_INK}"/>'
            for x, words in self.x_labels
        ]
        parts.append(f'<line x1="{self.left}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}" stroke="{_INK}"/>')
        if rows:
            for tick in round_ticks(*self.y):
                parts.append(
                    f'<line x1="{self.left}" x2="{WIDTH - _RIGHT}" y1="{self._y(tick)}" y2="{self._y(tick)}" '
                    f'stroke="{_FAINT}"/><text x="{self.left - 6}" y="{round(self._y(tick) + 4, 2)}" '
                    f'text-anchor="end">{write_tick(tick, language)}</text>'
                )
        parts.append(f'<text x="12" y="{self.height - 10}">{escape(self.y_title)}</text>')
        return "".join(parts)

    def _x(self, value: float) -> float:
        return round(self.left + (value - self.x[0]) / ((self.x[1] - self.x[0]) or 1) * (WIDTH - _RIGHT - self.left), 2)

    def _y(self, value: float) -> float:
        share = (value - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return round(self.height - _BOTTOM - min(1.0, max(0.0, share)) * (self.height - _BOTTOM - _TOP), 2)


def round_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them.

    >>> round_ticks(-3.0, 11.0)
    [-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.7)
    first = math.ceil(low / step)
    return [round((first + at) * step, 12) + 0.0 for at in range(math.floor(high / step) - first + 1)]


def write_tick(value: float, language: str) -> str:
    """A tick's number, with a true minus sign, and in French a comma and no-break spaces.

    >>> write_tick(-0.5, "fr"), write_tick(12000, "en")
    ('\u22120,5', '12,000')
    """
    text = f"{abs(value):,.6f}".rstrip("0").rstrip(".")
    if language == "fr":
        text = text.replace(",", "\u00a0").replace(".", ",")
    return f"{chr(0x2212) if value < 0 else ''}{text}"


def widen(values: Sequence[Value], *, zero: bool = False) -> tuple[float, float]:
    """The range of the values that are there, with a margin of a twentieth; `zero` lies in it where asked."""
    known = [value for value in values if value is not None] + ([0.0] if zero else [])
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (high - low) / 20 or abs(high) / 10 or 1.0
    return low - margin, high + margin
