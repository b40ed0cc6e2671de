"""A poll that Faust gave up for a rebalance takes no records away from whoever reads next.

It goes on in the consumer's thread. On a busy machine it could still read after positions were
sought, and nobody was waiting for it any more: its records were left out, and what came after them
committed offsets past them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from faust.types import TP

from streams.runtime.faust.app import batch_app
from streams.runtime.faust.consumer_thread import ConsumerThread
from streams.runtime.faust.transport import BatchConsumer
from streams.settings.core import CoreSettings

SITE = TP("t-touchpoints", 0)
LOG = list(range(10))


class Thread(ConsumerThread):
    """Reads a log in memory, once there is something to read."""

    def begin(self) -> None:
        self.position, self.arrived = 7, asyncio.Event()
        self.thread_loop = self.parent_loop = asyncio.get_running_loop()

    async def read(self, active: set[TP], seconds: float, most: int) -> Any:
        await self.arrived.wait()
        found, self.position = LOG[self.position :], len(LOG)
        return {SITE: found}

    async def _seek(self) -> Mapping[TP, int]:
        self.position = 3
        return {SITE: 3}


async def _given_up(poll: asyncio.Task[Any]) -> None:
    """As Faust does when a rebalance begins."""
    await asyncio.sleep(0.01)
    poll.cancel()
    await asyncio.wait([poll])


@pytest.mark.parametrize("reads_first", [True, False])
def test_what_is_read_after_a_rebalance_begins_where_was_sought(reads_first: bool) -> None:
    async def story() -> None:
        consumer: BatchConsumer = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
        thread = Thread(consumer, loop=asyncio.get_running_loop())
        thread.begin()
        await thread.method_queue.start()
        given_up = asyncio.create_task(thread.getmany({SITE}, 0.1))
        await _given_up(given_up)
        if reads_first:
            thread.arrived.set()
        seeking = asyncio.create_task(thread.seek_to_committed())
        await asyncio.sleep(0.01)
        thread.arrived.set()
        await seeking

        assert await thread.getmany({SITE}, 0.1) == {SITE: LOG[3:]}
        await thread.method_queue.stop()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_poll_that_waits_while_positions_are_sought_finds_nothing() -> None:
    async def story() -> None:
        consumer: BatchConsumer = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
        thread = Thread(consumer, loop=asyncio.get_running_loop())
        thread.begin()
        await thread.method_queue.start()
        polls = [asyncio.create_task(thread.getmany({SITE}, 0.1)) for _ in range(3)]
        await asyncio.sleep(0.01)
        seeking = asyncio.create_task(thread.seek_to_committed())
        await asyncio.sleep(0.01)
        thread.arrived.set()
        await seeking

        first, *others = [await poll for poll in polls]
        assert first == {SITE: LOG[7:]}, "it was under way"
        assert others == [{}, {}]
        assert await thread.getmany({SITE}, 0.1) == {SITE: LOG[3:]}
        await thread.method_queue.stop()

    asyncio.run(asyncio.wait_for(story(), 20))
