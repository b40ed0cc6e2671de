"""A storing worker that has rows, or could read some, and stores none says so and ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from streams.store.sink.sink import Sink
from streams.worker.observers import StoringMetrics
from streams.worker.watches.standstill import (
    ENDS_SECONDS,
    REPORTED_SECONDS,
    StandstillError,
    StandstillWatch,
)
from streams.worker.watches.table_work import TableWork, assign, works_of

TOPIC = "attributions"


class Site:
    """A storing worker with one table, as the watch sees it."""

    def __init__(self) -> None:
        self.now, self.fetched_ago, self.is_read = 1_000.0, 0.0, True
        self.lacking: frozenset[tuple[str, int]] = frozenset()
        self.table: Any = SimpleNamespace(outage="", is_due=False, rows=0, finished=0)
        sink = SimpleNamespace(tables={TOPIC: self.table}, is_reading=lambda topic: self.is_read)
        works = works_of(cast(Sink, sink), lambda tp: self.now - self.fetched_ago)
        assign(works, [(TOPIC, 0), ("touches", 0)])
        assert works[TOPIC].partitions == [(TOPIC, 0)]
        self.watch = StandstillWatch(
            lambda: {f"storing {topic}": work for topic, work in works.items()},
            StoringMetrics(), self, lambda: self.now, is_due=TableWork.is_due,
        )  # fmt: skip

    async def obstacle(self) -> str:
        return ""

    def after(self, seconds: float) -> str:
        async def looks() -> None:
            end = self.now + seconds
            while self.now < end:
                self.now += 1.0
                self.watch.look()
                await self.watch.ask()

        asyncio.run(looks())
        return self.watch.reason


@pytest.fixture
def site() -> Site:
    return Site()


def test_rows_that_are_due_and_not_stored_are_named_and_then_end_the_worker(site: Site) -> None:
    site.table.rows, site.table.is_due = 5, True
    assert site.after(REPORTED_SECONDS) == ""
    assert "storing attributions" in site.after(1)
    site.table.finished += 1
    assert site.after(1) == ""
    with pytest.raises(StandstillError, match="storing attributions"):
        site.after(ENDS_SECONDS + 2)


def test_rows_that_may_still_wait_are_no_standstill(site: Site) -> None:
    site.table.rows, site.fetched_ago = 5, 3_600.0
    assert site.after(3 * ENDS_SECONDS) == ""


def test_partitions_that_nobody_reads_are_a_standstill_unless_reading_is_paused(site: Site) -> None:
    site.fetched_ago = 3_600.0
    assert "storing attributions" in site.after(REPORTED_SECONDS + 1)
    site.is_read = False
    assert site.after(ENDS_SECONDS) == ""
    site.is_read, site.lacking = True, frozenset({(TOPIC, 0)})
    assert site.after(3 * ENDS_SECONDS) == "", "nobody can read it"


def test_a_store_that_says_why_it_takes_nothing_is_no_standstill(site: Site) -> None:
    site.table.rows, site.table.is_due, site.table.outage = 5, True, "refused"
    assert site.after(3 * ENDS_SECONDS) == ""
