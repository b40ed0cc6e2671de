"""Pages that are being read, each once for all who look at it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from streams.board.answers import PageAnswer, PageAnswers
from streams.board.filters import Filters
from streams.board.panel import Page

_Result = TypeVar("_Result")
_Key = tuple[str, Filters]


class PageReadings:
    """All reading of the store happens in one thread, a question at a time: nobody waits for all
    panels of somebody else's page. Methods are for one event loop."""

    def __init__(self, answers: PageAnswers) -> None:
        self._answers = answers
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="board")
        self._running: dict[_Key, _Reading] = {}

    async def blocking(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns or raises in the thread that reads."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def follow(self, page: Page, filters: Filters) -> AsyncGenerator[PageAnswer, None]:
        """What `PageAnswers.reading` yields. It ends when the page is read; when nobody follows it
        any more, its reading ends, too."""
        key = (page.name, filters)
        reading = self._running.get(key)
        if reading is None:
            reading = self._running[key] = _Reading()
            reading.task = asyncio.create_task(self._read(reading, page, filters))
        assert reading.task, "it began with its reading"
        reading.followers += 1
        shown: PageAnswer | None = None
        try:
            while reading.latest is not shown or not reading.is_over:
                if reading.latest is not None and reading.latest is not shown:
                    shown = reading.latest
                    yield shown
                else:
                    await reading.news.wait()
            await reading.task
        finally:
            reading.followers -= 1
            if not reading.followers:
                reading.task.cancel()

    async def _read(self, reading: _Reading, page: Page, filters: Filters) -> None:
        steps = self._answers.reading(page, filters)
        try:
            while answer := await self.blocking(partial(next, steps, None)):
                reading.tell(answer)
        finally:
            self._running.pop((page.name, filters))
            reading.is_over = True
            reading.tell(reading.latest)
            with suppress(RuntimeError):  # the board is closing
                self._thread.submit(steps.close)

    def close(self) -> None:
        """Nothing more is read; a question that is under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Reading:
    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.latest: PageAnswer | None = None
        self.followers = 0
        self.is_over = False
        self.news = asyncio.Event()

    def tell(self, answer: PageAnswer | None) -> None:
        self.latest = answer
        due, self.news = self.news, asyncio.Event()
        due.set()
