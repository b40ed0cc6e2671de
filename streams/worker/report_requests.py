"""Watches how long people wait for their rows to be made anonymous; the law gives a month."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

from streams.store.base import Store, UnavailableError
from streams.store.erasure.waiting_since import waiting_since
from streams.store.sink.storing_observer import StoringObserver

_LOOK_SECONDS = 600.0
"""How often it looks: the answer is asked for by the day."""
_logger = logging.getLogger("headwater")


async def report_requests(
    store: Store,
    threads: Executor,
    observer: StoringObserver,
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Report the age of the oldest request that waits, until cancelled.

    A store that does not answer has an alert of its own, so it only delays the next look.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            count, since = await loop.run_in_executor(threads, waiting_since, store)
        except UnavailableError as error:
            _logger.debug("requests to be forgotten were not looked at: %s", error)
        else:
            observer.on_waiting_requests(count, max(0.0, clock() - since) if count else 0.0)
        await pause(_LOOK_SECONDS)
