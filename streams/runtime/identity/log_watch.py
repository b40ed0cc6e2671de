"""Notices, while a worker runs, that its topics are no longer the logs it started with.

The worker then ends with one line; what is started next compares positions and state with the
logs that are there. Waiting would be no better: what was read from the old log cannot be committed
to the new one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from streams.errors import HeadwaterError
from streams.runtime.identity.known_logs import KnownLogs, changes_between

_RETRY_SECONDS = 0.2
WATCH_SECONDS = 2.0
"""How soon a changed topic is noticed. One look costs a request for the metadata of our topics."""

GONE_SECONDS = 10.0
"""A broker that has just started may not know its topics yet; after this time they are gone."""

LOOK_SHARE = 20.0
"""Looks that someone waits for take at most one part in so many of the time."""


class LogChangedError(HeadwaterError):
    """A topic is another log than at the start; the message says which, and what to do."""


class LogWatch:
    """Compares the logs with those at the start. `run` and `confirm` may be called together."""

    def __init__(
        self,
        started_with: KnownLogs,
        look: Callable[[], Awaitable[KnownLogs]],
        clock: Callable[[], float] = time.monotonic,
        unchanged: Callable[[], None] = lambda: None,
    ) -> None:
        """`unchanged` is called whenever the logs are found to be the same."""
        self._started_with = started_with
        self._look = look
        self._clock = clock
        self._unchanged = unchanged
        self._confirmed_at = float("-inf")
        self._next_at = float("-inf")
        self._gone_since: float | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Look again and again; ends only by LogChangedError or by cancellation."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.confirm(self._clock())

    async def confirm(self, since: float) -> None:
        """Return once the logs were seen unchanged after the moment `since`, by the clock.

        LogChangedError when they are not. While Kafka does not answer, nobody knows, so this waits.
        """
        if not self._started_with.topic_ids:
            return
        async with self._turn:
            while self._confirmed_at < since:
                await asyncio.sleep(max(0.0, self._next_at - self._clock()))
                await self._compare()

    async def _compare(self) -> None:
        began = self._clock()
        try:
            found = await self._look()
        except (KafkaError, OSError, TimeoutError):
            self._next_at = self._clock() + _RETRY_SECONDS
            return
        self._next_at = self._clock() + LOOK_SHARE * (self._clock() - began)
        wrong = changes_between(self._started_with, found)
        if not wrong:
            self._confirmed_at, self._gone_since = began, None
            self._unchanged()
            return
        is_gone = any(name not in found.partitions for name in self._started_with.partitions)
        if is_gone:
            self._gone_since = began if self._gone_since is None else self._gone_since
            if began - self._gone_since < GONE_SECONDS:
                self._next_at = self._clock() + _RETRY_SECONDS
                return
        raise LogChangedError(wrong[0])
