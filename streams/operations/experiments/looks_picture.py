"""Draws the looks at an experiment: the interval that holds at all of them, the ordinary one, and
the line of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from online_models.experiments.looks import MetricLooks

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 16, 44, 52
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 }
  .muted { fill: #57606a }
  .always { fill: #0969da; fill-opacity: .22 }
  .once { fill: none; stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 3 }
  .lift { fill: none; stroke: #0969da; stroke-width: 2 }
  .none { stroke: #24292f; stroke-width: 1 }
  .back { fill: #ffffff }
"""


def looks_picture(looks: MetricLooks, names: Sequence[str], title: str) -> str:
    """An SVG of the looks that could be judged. `names`: of all periods."""
    judged = np.flatnonzero(np.isfinite(looks.low))
    if len(judged) == 0:
        return _document(title, '<text x="80" y="180">too early to say anything</text>')
    low, high = _range(looks, judged)
    x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (judged - judged[0]) / max(judged[-1] - judged[0], 1)

    def y(values: NDArray[np.float64]) -> NDArray[np.float64]:
        share = (np.clip(values, low, high) - low) / (high - low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    upper, lower = _points(x, y(looks.high[judged])), _points(x, y(looks.low[judged]))
    none = float(y(np.zeros(1))[0])
    parts = [
        f'<polygon class="always" points="{" ".join([*upper, *reversed(lower)])}"/>',
        *(
            f'<polyline class="once" points="{" ".join(_points(x, y(values[judged])))}"/>'
            for values in (looks.fixed_low, looks.fixed_high)
        ),
        f'<polyline class="lift" points="{" ".join(_points(x, y(looks.lift[judged])))}"/>',
        f'<line class="none" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{none:.1f}" y2="{none:.1f}"/>',
        *_axis(low, high, none),
        f'<text class="muted" x="{_LEFT}" y="{_HEIGHT - 30}">{escape(names[judged[0]])}</text>',
        f'<text class="muted" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 30}" text-anchor="end">'
        f"{escape(names[judged[-1]])}</text>",
        f'<text class="muted" x="{_LEFT}" y="{_HEIGHT - 10}">band: holds at all looks together; '
        "dashed: holds at one look that was planned; line: the lift so far</text>",
    ]
    return _document(title, "\n".join(parts))


def _range(looks: MetricLooks, judged: NDArray[np.intp]) -> tuple[float, float]:
    """From the later looks: the first ones are so wide that nothing else would be seen."""
    later = judged[len(judged) // 5 :]
    low = min(0.0, float(looks.low[later].min()))
    high = max(0.0, float(looks.high[later].max()))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _axis(low: float, high: float, none: float) -> list[str]:
    return [
        f'<text class="muted" x="{_LEFT - 8}" y="{place:.1f}" text-anchor="end">{text}</text>'
        for place, text in (
            (_TOP + 4.0, f"{high:+.3g}"),
            (none + 4.0, "0"),
            (_HEIGHT - _BOTTOM + 4.0, f"{low:+.3g}"),
        )
    ]


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[str]:
    return [f"{left:.1f},{top:.1f}" for left, top in zip(x, y, strict=True)]


def _document(title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>\n'
        f'<text class="title" x="16" y="26">{escape(title)}</text>\n{body}\n</svg>\n'
    )
