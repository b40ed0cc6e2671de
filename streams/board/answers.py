"""Reads the panels of a page, and keeps the last answer for when the store does not answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from streams.board.filters import Filters
from streams.board.lease import OpenStore
from streams.board.panel import Page, Panel
from streams.errors import HeadwaterError, in_one_line
from streams.store.base import QueryResult, Store, UnavailableError
from streams.store.reading import Readable, ReadLimits, rows_for

ANSWERS_MAX = 64
"""Pages kept, each with its filters; the one not asked for longest goes first."""

FRESH_SECONDS = 2.0
"""A page that was read so short a time ago is not read again, however many people look at it."""

REST = 3.0
"""A page is read again so many times later than reading it took: while events come in, an open page
would otherwise keep the store busy all the time."""


@dataclass(frozen=True, slots=True)
class PanelAnswer:
    """The rows of a panel, or in one line why there are none. `stamp` and `read_at` empty: it has
    not been read yet."""

    panel: Panel
    sql: str
    names: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""
    stamp: str = ""
    read_at: float = 0.0

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
            "isRead": bool(self.stamp),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What a page shows. `reason` is not empty when the store did not answer: then the panels are
    those that were read before. `read_at` is when the oldest of them was; `took`: seconds."""

    page: Page
    panels: tuple[PanelAnswer, ...]
    newest_day: str
    apps: tuple[str, ...]
    stamp: str
    read_at: float
    reason: str = ""
    took: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether all panels are as of the stamp, and none was refused."""
        return all(panel.stamp == self.stamp and not panel.error for panel in self.panels)

    def as_json(self, now: float, known: Sequence[PanelAnswer] = ()) -> dict[str, Any]:
        """`known`: panels that the reader has already, and are left out."""
        has = {id(panel) for panel in known}
        return {
            "page": self.page.name,
            "title": self.page.title,
            "question": self.page.question,
            "newestDay": self.newest_day,
            "apps": self.apps,
            "panels": [panel.as_json() for panel in self.panels if id(panel) not in has],
            "stamp": self.stamp,
            "isReading": not self.reason and any(one.stamp != self.stamp for one in self.panels),
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
        """`open_store`: opened again while it is open, as by two pages that are read at a time; see
        `StoreLease`. `until`: the day that pages end with, in place of the newest one."""
        self._open_store = open_store
        self._limits = limits
        self._clock = clock
        self._pages_max = pages_max
        self._until = until
        self._kept: OrderedDict[tuple[str, Filters], PageAnswer] = OrderedDict()
        self._took: dict[tuple[str, str], float] = {}

    def page(self, page: Page, filters: Filters) -> PageAnswer:
        """The page as it is now; where the store does not answer, as it was, and why."""
        *_, answer = self.reading(page, filters)
        return answer

    def reading(self, page: Page, filters: Filters) -> Generator[PageAnswer, None, None]:
        """The page at once as far as it is kept, then after each panel that was read, then as
        `page`. Each step blocks for one question at most."""
        key = (page.name, filters)
        kept = self._kept.get(key)
        if kept:
            yield kept
            rest = max(FRESH_SECONDS, REST * kept.took)
            if not kept.reason and self._clock() - kept.read_at < rest:
                return
        try:
            with self._open_store() as store:
                for answer in self._read(store, page, filters, kept):
                    self._keep(key, answer)
                    yield answer
        except HeadwaterError as error:
            last, reason = self._kept.get(key), in_one_line(error)
            empty = PageAnswer(page, (), "", (), "", self._clock(), reason)
            yield replace(last, reason=reason) if last else empty

    def _keep(self, key: tuple[str, Filters], answer: PageAnswer) -> None:
        self._kept[key] = answer
        self._kept.move_to_end(key)
        while len(self._kept) > self._pages_max:
            self._kept.popitem(last=False)

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

    def _read(
        self, store: Readable, page: Page, filters: Filters, kept: PageAnswer | None
    ) -> Iterator[PageAnswer]:
        began = self._clock()
        stamp = str(store.query(_STAMP).rows[0][0])
        if kept and kept.stamp == stamp and kept.is_whole:
            yield replace(kept, read_at=began, reason="")
            return
        newest = self._last_day(store)
        apps = tuple(str(row[0]) for row in store.query(_APPS).rows)
        panels = {one.name: PanelAnswer(one, filters.sql(one, newest)) for one in page.panels}
        panels |= {one.panel.name: one for one in kept.panels} if kept else {}
        shown = tuple(panels.values())
        answer = PageAnswer(page, shown, newest.isoformat(), apps, stamp, _oldest(shown, began))
        yield answer
        for panel in sorted(page.panels, key=lambda one: self._took.get((page.name, one.name), 0)):
            sql = filters.sql(panel, newest)
            panels[panel.name] = self._answer(store, page, PanelAnswer(panel, sql, stamp=stamp))
            shown = tuple(panels.values())
            answer = replace(answer, panels=shown, read_at=_oldest(shown, began))
            yield answer
        yield replace(answer, read_at=began, took=self._clock() - began)

    def _answer(self, store: Readable, page: Page, asked: PanelAnswer) -> PanelAnswer:
        """One panel that cannot be read does not take the others with it. UnavailableError: no
        panel can be."""
        began = self._clock()
        try:
            result = rows_for(store, asked.sql, self._limits)
        except UnavailableError:
            raise
        except HeadwaterError as error:
            return replace(asked, error=in_one_line(error), read_at=began)
        finally:
            self._took[page.name, asked.panel.name] = self._clock() - began
        return replace(asked, names=result.names, rows=tuple(result.rows), read_at=began)


def _oldest(panels: Sequence[PanelAnswer], now: float) -> float:
    return min((panel.read_at for panel in panels if panel.stamp), default=now)


def _newest_day(store: Store) -> date:
    """The day of the newest conversion; 1970 when nothing has been stored."""
    ((day,),) = store.query(_NEWEST).rows
    return date.fromisoformat(str(day)) if day else date(1970, 1, 1)
