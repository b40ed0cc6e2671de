"""What a page consists of: panels, each a question in SQL, a sentence, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ChartKind = Literal["figures", "line", "bar", "reliability", "table"]
"""figures: one row of numbers; line and bar: one picture; reliability: predicted against actual;
table: the rows alone. Every picture has its rows below it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelChart:
    """How the rows of a panel are drawn. All names are columns of its SQL.

    Lines and bars have either several columns `ys`, or one of them and `series`, whose values name
    the lines. `low` and `high` are the ends of an interval around the first of `ys`.
    """

    kind: ChartKind
    x: str = ""
    ys: Sequence[str] = ()
    series: str = ""
    low: str = ""
    high: str = ""
    unit: str = ""
    is_stacked: bool = False

    @property
    def columns(self) -> frozenset[str]:
        """Columns that have to be in the answer."""
        return frozenset({self.x, *self.ys, self.series, self.low, self.high} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question with its picture.

    In `sql`, `{where}` becomes the conditions of the filters: on the column `day` (a Date; empty:
    none) and on `app_id` where `has_app`. `{newest}` becomes the newest day.
    """

    name: str
    title: str
    sentence: str
    sql: str
    chart: PanelChart
    day: str = "day"
    has_app: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the board: `question` is what its reader wants to know."""

    name: str
    title: str
    question: str
    panels: Sequence[Panel] = ()

    def panel(self, name: str) -> Panel | None:
        """The panel of that name, if the page has it."""
        return next((panel for panel in self.panels if panel.name == name), None)
