"""Reads the panels of a page, and keeps the last answer for when the store does not answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from streams.board.filters import Filters
from streams.board.panel import Page, Panel
from streams.errors import HeadwaterError, in_one_line
from streams.store.base import QueryResult, Store
from streams.store.reading import Readable, ReadLimits, rows_for

ANSWERS_MAX = 64
"""Pages kept, each with its filters; the one not asked for longest goes first."""

FRESH_SECONDS = 2.0
"""A page that was read so short a time ago is not read again, however many people look at it."""

OpenStore = Callable[[], AbstractContextManager[Readable]]


@dataclass(frozen=True, slots=True)
class PanelAnswer:
    """The rows of a panel, or in one line why there are none."""

    panel: Panel
    sql: str
    names: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        panel, chart = self.panel, self.panel.chart
        return {
            "name": panel.name,
            "title": panel.title,
            "sentence": panel.sentence,
            "chart": {
                "kind": chart.kind, "x": chart.x, "ys": list(chart.ys), "series": chart.series,
                "low": chart.low, "high": chart.high, "unit": chart.unit,
                "isStacked": chart.is_stacked,
            },
            "sql": self.sql,
            "columns": self.names,
            "rows": self.rows,
            "error": self.error,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What a page shows. `reason` is not empty when the store did not answer: then the panels are
    those of `read_at`, or none."""

    page: Page
    panels: tuple[PanelAnswer, ...]
    newest_day: str
    apps: tuple[str, ...]
    stamp: str
    read_at: float
    reason: str = ""

    def as_json(self, now: float) -> dict[str, Any]:
        return {
            "page": self.page.name,
            "title": self.page.title,
            "question": self.page.question,
            "newestDay": self.newest_day,
            "apps": self.apps,
            "panels": [panel.as_json() for panel in self.panels],
            "stamp": self.stamp,
            "ageSeconds": max(0.0, round(now - self.read_at, 1)),
            "reason": self.reason,
        }


# Log time may be far ahead of the last conversion, after a replay above all; and what one producer
# dates far ahead is decided today.
_NEWEST = (
    "SELECT toString(toDate(max(least(conversion_time, decided_at)))) FROM attributions"
    " WHERE version = 1"
)
# Stages say log time, which may be ahead of the clock by which tables say when they grew.
_STAMP = (
    "SELECT concat(toString(maxIf(at, kind = 'stage')), ' ', toString(maxIf(at, kind = 'table')),"
    " ' ', toString((SELECT max(built_at) FROM cohort_builds))) FROM v_freshness"
)
"""Changes with what is stored, and with what is worked out of it later."""
_APPS = "SELECT DISTINCT app_id FROM attributions WHERE app_id != '' ORDER BY app_id LIMIT 500"


class PageAnswers:
    """PageAnswers of pages. Calls block until the store has answered; make them from one thread."""

    def __init__(
        self,
        open_store: OpenStore,
        limits: ReadLimits,
        clock: Callable[[], float] = time.monotonic,
        pages_max: int = ANSWERS_MAX,
        until: date | None = None,
    ) -> None:
        """`until`: the day that pages end with, in place of the newest one."""
        self._open_store = open_store
        self._limits = limits
        self._clock = clock
        self._pages_max = pages_max
        self._until = until
        self._kept: OrderedDict[tuple[str, Filters], PageAnswer] = OrderedDict()

    def page(self, page: Page, filters: Filters) -> PageAnswer:
        """The page as it is now; where the store does not answer, as it was, and why."""
        key = (page.name, filters)
        kept = self._kept.get(key)
        if kept and not kept.reason and self._clock() - kept.read_at < FRESH_SECONDS:
            return kept
        try:
            with self._open_store() as store:
                stamp = str(store.query(_STAMP).rows[0][0])
                if kept and kept.stamp == stamp and not any(one.error for one in kept.panels):
                    answer = replace(kept, read_at=self._clock(), reason="")
                else:
                    answer = self._read(store, page, filters, stamp)
        except HeadwaterError as error:
            reason = in_one_line(error)
            empty = PageAnswer(page, (), "", (), "", self._clock(), reason)
            return replace(kept, reason=reason) if kept else empty
        self._kept[key] = answer
        self._kept.move_to_end(key)
        while len(self._kept) > self._pages_max:
            self._kept.popitem(last=False)
        return answer

    @property
    def kept(self) -> int:
        """How many pages are kept."""
        return len(self._kept)

    def now(self) -> float:
        """Seconds on the clock that answers are dated with."""
        return self._clock()

    def rows(self, panel: Panel, filters: Filters) -> QueryResult:
        """The rows of one panel, to take away. HeadwaterError: the store does not answer."""
        with self._open_store() as store:
            return rows_for(store, filters.sql(panel, self._last_day(store)), self._limits)

    def newest_stored(self) -> date:
        """The newest day that is stored. HeadwaterError: the store does not answer."""
        with self._open_store() as store:
            return _newest_day(store)

    def _last_day(self, store: Store) -> date:
        return self._until or _newest_day(store)

    def _read(self, store: Readable, page: Page, filters: Filters, stamp: str) -> PageAnswer:
        newest = self._last_day(store)
        apps = tuple(str(row[0]) for row in store.query(_APPS).rows)
        panels = tuple(self._answers(store, page, filters, newest))
        return PageAnswer(page, panels, newest.isoformat(), apps, stamp, self._clock())

    def _answers(
        self, store: Readable, page: Page, filters: Filters, newest: date
    ) -> Iterator[PanelAnswer]:
        """One panel that cannot be read does not take the others with it."""
        for panel in page.panels:
            sql = filters.sql(panel, newest)
            try:
                result = rows_for(store, sql, self._limits)
            except HeadwaterError as error:
                yield PanelAnswer(panel, sql, error=in_one_line(error))
            else:
                yield PanelAnswer(panel, sql, result.names, tuple(result.rows))


def _newest_day(store: Store) -> date:
    """The day of the newest conversion; 1970 when nothing has been stored."""
    ((day,),) = store.query(_NEWEST).rows
    return date.fromisoformat(str(day)) if day else date(1970, 1, 1)
