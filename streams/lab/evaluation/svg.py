"""Line charts as SVG, readable in any browser and in print, without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 180, 48, 56
_COLOURS = ("#0b6e99", "#c4501b", "#3f7d20", "#7b4fa3", "#8a6d00", "#555555")
"""Told apart by most who do not see all colours; dashes help the others."""
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "5 2", "1 4")
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]  # NaN: a gap
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    is_square: bool = False
    """Both axes have the same range, and the diagonal is drawn."""


def write_chart(chart: Chart, path: Path) -> None:
    path.write_text(chart_svg(chart), encoding="utf-8")


def chart_svg(chart: Chart) -> str:
    x_ticks, y_ticks = _ranges(chart)
    axes = _Axes(x_ticks, y_ticks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 28, chart.title, size=16),
        *_grid(axes, chart),
    ]
    if chart.is_square:
        low, high = x_ticks[0], x_ticks[-1]
        parts.append(_path(axes, [(low, low), (high, high)], "#999999", "4 4"))
    for number, line in enumerate(chart.lines):
        parts += _line(axes, line, number)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axes:
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]

    def x(self, value: float) -> float:
        low, high = self.x_ticks[0], self.x_ticks[-1]
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)


def _ranges(chart: Chart) -> tuple[list[float], list[float]]:
    points = [point for line in chart.lines for point in line.points if _is_drawn(point)]
    xs, ys = [x for x, _ in points] or [0.0, 1.0], [y for _, y in points] or [0.0, 1.0]
    if chart.is_square:
        both = ticks(0.0, max(*xs, *ys))
        return both, both
    return ticks(min(xs), max(xs)), ticks(min(0.0, *ys), max(ys))


def ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover the range (Heckbert 1990)."""
    span = high - low if high > low else 1.0
    rough = span / _TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _grid(axes: _Axes, chart: Chart) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in axes.x_ticks:
        x = axes.x(tick)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#e4e4e4"/>')
        parts.append(_text(x, bottom + 18, f"{tick:.6g}", anchor="middle"))
    for tick in axes.y_ticks:
        y = axes.y(tick)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#e4e4e4"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{tick:.6g}", anchor="end"))
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 16, chart.x_title, anchor="middle"))
    middle = (_TOP + bottom) / 2
    turned = f'transform="rotate(-90 18 {middle:.1f})"'
    parts.append(_text(18, middle, chart.y_title, anchor="middle", more=turned))
    return parts


def _line(axes: _Axes, line: Line, number: int) -> list[str]:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
    parts = [_path(axes, line.points, colour, dash)]
    if line.has_dots:
        parts += [
            f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="3.5" fill="{colour}"/>'
            for x, y in filter(_is_drawn, line.points)
        ]
    left, y = WIDTH - _RIGHT + 16, _TOP + 8 + 22 * number
    parts.append(
        f'<path d="M{left} {y}h26" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    )
    parts.append(_text(left + 34, y + 4, line.name))
    return parts


def _path(axes: _Axes, points: Sequence[tuple[float, float]], colour: str, dash: str) -> str:
    steps, pen = [], "M"
    for point in points:
        if _is_drawn(point):
            steps.append(f"{pen}{axes.x(point[0]):.1f} {axes.y(point[1]):.1f}")
        pen = "L" if _is_drawn(point) else "M"
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )


def _text(
    x: float, y: float, text: str, *, size: int = 13, anchor: str = "start", more: str = ""
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="#222222" {more}>{escape(text)}</text>'
    )


def _is_drawn(point: tuple[float, float]) -> bool:
    return all(map(math.isfinite, point))
