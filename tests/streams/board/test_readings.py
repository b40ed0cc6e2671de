"""Pages come panel by panel: nobody waits for the slowest question before the first is shown."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, aclosing
from typing import TypeVar

import pytest

from streams.board.answers import FRESH_SECONDS, REST, PageAnswer, PageAnswers
from streams.board.filters import Filters
from streams.board.lease import StoreLease
from streams.board.page_readings import PageReadings
from streams.board.panel import Page, Panel, PanelChart
from streams.store.base import Columns, QueryResult, SqlValue, UnavailableError
from streams.store.reading import Readable, ReadLimits
from tests.streams.board.conftest import LIMITS, Clock, StoreDoor
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import spend

_Result = TypeVar("_Result")
SECONDS = {"slow": 5.0, "quick": 1.0, "quicker": 0.5}
"""What the questions take."""


def panel(name: str) -> Panel:
    sql = f"SELECT 1 AS {name}"
    return Panel(name=name, title="", sentence="", sql=sql, chart=PanelChart(kind="table"))


PAGE = Page(name="p", title="", question="", panels=[panel(name) for name in SECONDS])


class TimedStore:
    """The store whose questions take time on the clock; one of them waits until it is let on."""

    def __init__(self, store: Readable, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.place = store.place
        self.asked: list[str] = []
        self.last_name = ""
        self.held_name = ""
        self.let_on = threading.Event()

    def query(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> QueryResult:
        return self._store.query(sql, params)

    def read(self, sql: str, limits: ReadLimits) -> QueryResult:
        name = sql.strip().removeprefix("SELECT 1 AS ")
        if name not in SECONDS:  # what checks a statement asks
            return self._store.read(sql, limits)
        if name == self.last_name:
            raise UnavailableError("it is away")
        assert name != self.held_name or self.let_on.wait(20)
        self.asked.append(name)
        self._clock.seconds += SECONDS[name]
        return self._store.read(sql, limits)

    def render(self, sql: str, output_format: str, limits: ReadLimits) -> bytes:
        return self._store.render(sql, output_format, limits)

    def insert(self, table: str, columns: Columns) -> None:
        self._store.insert(table, columns)

    def execute(self, sql: str) -> None:
        self._store.execute(sql)

    def close(self) -> None:
        """It is still used."""


@pytest.fixture
def timed(filled: Readable, clock: Clock) -> TimedStore:
    return TimedStore(filled, clock)


@pytest.fixture
def answers(timed: TimedStore, clock: Clock) -> PageAnswers:
    return PageAnswers(StoreDoor(timed), LIMITS, clock)


def names(answer: PageAnswer) -> list[str]:
    """Of the panels that were read as of the stamp."""
    return [one.panel.name for one in answer.panels if one.stamp == answer.stamp]


def test_each_panel_is_there_as_soon_as_it_is_read(answers: PageAnswers) -> None:
    read = [names(answer) for answer in answers.reading(PAGE, Filters())]
    assert read == [[], ["slow"], ["slow", "quick"], [*SECONDS], [*SECONDS]]


def test_what_was_cheap_before_is_asked_first(answers: PageAnswers, timed: TimedStore) -> None:
    answers.page(PAGE, Filters())
    timed.asked.clear()
    answers.page(PAGE, Filters("another app"))
    assert timed.asked == ["quicker", "quick", "slow"]


def test_an_old_page_is_shown_at_once_with_the_age_of_its_oldest_panel(
    answers: PageAnswers, filled: Readable, clock: Clock
) -> None:
    answers.page(PAGE, Filters())
    put(filled, [spend("later")], first_offset=4000)
    clock.seconds += 100
    now = clock.seconds
    at_once, *_, last = answers.reading(PAGE, Filters())
    assert names(at_once) == [*SECONDS]
    assert at_once.as_json(now)["ageSeconds"] == 100 + sum(SECONDS.values())
    assert names(last) == [*SECONDS]
    assert last.as_json(clock.seconds)["ageSeconds"] == sum(SECONDS.values())
    assert last.stamp != at_once.stamp


def test_a_page_rests_in_proportion_to_what_reading_it_took(
    answers: PageAnswers, filled: Readable, timed: TimedStore, clock: Clock
) -> None:
    took = sum(SECONDS.values())
    answers.page(PAGE, Filters())
    put(filled, [spend("later still")], first_offset=4100)
    timed.asked.clear()
    clock.seconds += (REST - 1) * took - 0.1
    assert (REST - 1) * took > FRESH_SECONDS
    answers.page(PAGE, Filters())
    assert timed.asked == []
    clock.seconds += 0.2
    answers.page(PAGE, Filters())
    assert len(timed.asked) == 3


def test_a_store_that_goes_away_halfway_leaves_what_was_read_and_a_reason(
    answers: PageAnswers, timed: TimedStore
) -> None:
    timed.last_name = "quick"
    *_, last = answers.reading(PAGE, Filters())
    assert (names(last), last.reason) == (["slow"], "it is away")
    assert not last.as_json(0)["isReading"]
    timed.last_name = ""
    assert not answers.page(PAGE, Filters()).reason


def following(answers: PageAnswers, story: Callable[[PageReadings], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        readings = PageReadings(answers)
        try:
            return await story(readings)
        finally:
            readings.close()

    return asyncio.run(run())


async def last_of(steps: AsyncIterator[PageAnswer]) -> PageAnswer:
    return [step async for step in steps][-1]


def test_many_who_look_at_a_page_at_the_same_time_read_it_once(
    answers: PageAnswers, timed: TimedStore
) -> None:
    async def story(readings: PageReadings) -> list[PageAnswer]:
        return await asyncio.gather(*[last_of(readings.follow(PAGE, Filters())) for _ in range(5)])

    pages = following(answers, story)
    assert [names(page) for page in pages] == [[*SECONDS]] * 5
    assert sorted(timed.asked) == sorted(SECONDS)


def test_whoever_comes_while_a_page_is_read_sees_what_is_read_so_far(
    answers: PageAnswers, timed: TimedStore
) -> None:
    timed.held_name = "quick"

    async def story(readings: PageReadings) -> list[str]:
        async with aclosing(readings.follow(PAGE, Filters())) as early:
            while names(await anext(early)) != ["slow"]:
                pass
            async with aclosing(readings.follow(PAGE, Filters())) as late:
                seen = names(await anext(late))
                timed.let_on.set()
        return seen

    assert following(answers, story) == ["slow"]


def test_a_page_that_nobody_looks_at_any_more_is_not_read_to_its_end(
    answers: PageAnswers, timed: TimedStore
) -> None:
    timed.held_name = "slow"

    async def story(readings: PageReadings) -> None:
        async with aclosing(readings.follow(PAGE, Filters())) as steps:
            await anext(steps)
        timed.let_on.set()
        await readings.blocking(dict)  # After the question that may be under way.

    following(answers, story)
    assert len(timed.asked) <= 1


def test_a_fault_of_the_board_reaches_whoever_looks(clock: Clock) -> None:
    def broken() -> AbstractContextManager[Readable]:
        raise ZeroDivisionError

    async def story(readings: PageReadings) -> PageAnswer:
        return await last_of(readings.follow(PAGE, Filters()))

    with pytest.raises(ZeroDivisionError):
        following(PageAnswers(broken, LIMITS, clock), story)


def test_readers_at_the_same_time_share_one_open_store(filled: Readable) -> None:
    """A folder can be opened once: beside a page that is read, an id is looked up."""
    door = StoreDoor(filled)
    lease = StoreLease(door)
    with lease() as first, lease() as second:
        assert first is second
    assert door.opened == 1
    with lease():
        assert door.opened == 2


def test_a_store_that_could_not_be_opened_is_tried_again(filled: Readable) -> None:
    door = StoreDoor(filled)
    door.error = UnavailableError("away")
    lease = StoreLease(door)
    with pytest.raises(UnavailableError), lease():
        pytest.fail("it is open")
    door.error = None
    with lease() as store:
        assert store is filled
