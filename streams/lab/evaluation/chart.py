"""Line charts as SVG or PNG, drawn by matplotlib (the extra `lab`).

Nothing else in Headwater imports matplotlib, and this module only when it draws: neither workers
nor the start of the command line pay for it. Equal charts give equal files, byte for byte, with
one version of matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from streams.errors import Stop

SIZE_INCHES = (7.2, 4.6)
PNG_DPI = 150
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by people of any colour vision (Okabe and Ito 2008); dashes help in grey print."""
DASHES = ("solid", "dashed", "dotted", "dashdot", (0, (5, 1)), (0, (1, 3)))
_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}


@dataclass(frozen=True, slots=True)
class Line:
    """Points in the order of drawing. NaN in a point leaves a gap."""

    name: str
    points: Sequence[tuple[float, float]]
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    is_square: bool = False
    """Both axes have the same range from 0 on, and the diagonal is drawn."""


def require_matplotlib() -> None:
    """Call before a long run that ends with a chart. Stop: matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise Stop("charts need matplotlib, which is not installed: pip install 'headwater[lab]'")


def write_chart(chart: Chart, path: Path) -> None:
    """The suffix of `path` decides: `.svg` or `.png`. Stop: matplotlib is not installed."""
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # Ids of elements are random without a salt. Text stays text, to be searched and read aloud.
    with rc_context({"svg.hashsalt": "headwater", "svg.fonttype": "none", "font.size": 9.0}):
        figure = Figure(SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot(
            title=chart.title, xlabel=chart.x_title, ylabel=chart.y_title, axisbelow=True
        )
        axes.grid(color="#e4e4e4")
        for number, line in enumerate(chart.lines):
            axes.plot(
                [x for x, _ in line.points],
                [y for _, y in line.points],
                label=line.name.replace("$", r"\$"),
                color=COLOURS[number % len(COLOURS)],
                linestyle=DASHES[number % len(DASHES)],
                marker="o" if line.has_dots else "",
                markersize=4,
            )
        if chart.is_square:
            end = max(axes.get_xlim()[1], axes.get_ylim()[1])
            axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
            axes.axline((0, 0), slope=1, color="#999999", linestyle="dashed", zorder=0)
        else:
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        figure.legend(loc="outside right upper", frameon=False)
        figure.savefig(path, dpi=PNG_DPI, metadata=_METADATA[path.suffix])
