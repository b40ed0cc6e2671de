"""Keeps the table of cohorts up to date beside the inserts of a storing worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from streams.errors import HeadwaterError, in_one_line
from streams.store.base import Store
from streams.store.cohorts.cohort_build import build_cohorts

INTERVAL_SECONDS = 60.0
"""Between two builds, at least."""
SHARE_MAX = 1 / 40
"""Of the time that builds may take: the longer one took, the later comes the next."""

FINISH_SECONDS_MAX = 5.0
"""A worker that stops builds once more, unless a build takes longer than this."""

_logger = logging.getLogger(__name__)


class CohortKeeper:
    """Builds now and then, in a thread of `threads`, until `run` is cancelled."""

    def __init__(
        self,
        store: Store,
        threads: Executor,
        is_due: Callable[[], bool],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        """`is_due`: whether this worker is to build: one of several does."""
        self._store = store
        self._threads = threads
        self._is_due = is_due
        self._interval_seconds = interval_seconds
        self._took = 0.0

    async def run(self) -> None:
        pause = self._interval_seconds
        while True:
            await asyncio.sleep(pause)
            pause = self._interval_seconds
            if self._is_due():
                pause = max(pause, await self.build() / SHARE_MAX)

    async def build(self) -> float:
        """Build once; how many seconds that took. A store that refuses is left for later."""
        loop = asyncio.get_running_loop()
        try:
            built = await loop.run_in_executor(self._threads, build_cohorts, self._store)
            self._took = built.seconds
            return built.seconds
        except HeadwaterError as error:
            # Cohorts are late then, and rows are stored all the same.
            _logger.warning("cohorts are not brought up to date: %s", in_one_line(error))
            return 0.0

    async def finish(self) -> None:
        """What was stored last is in the cohorts of a worker that stops."""
        if self._is_due() and self._took <= FINISH_SECONDS_MAX:
            await self.build()
