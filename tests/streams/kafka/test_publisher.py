"""A publisher can be interrupted at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from streams.kafka.publisher import Pace, Published, Publisher


class Swallowing(Publisher):
    """A publisher whose client loses a cancellation, as aiokafka sometimes does."""

    def __init__(self) -> None:
        self.chunks = 0

    async def _write(self, chunk: Sequence[Published]) -> None:
        self.chunks += 1
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            return


def test_a_cancellation_that_aiokafka_swallows_still_ends_publishing() -> None:
    async def story() -> None:
        publisher = Swallowing()
        messages = [("installs", 0, 0, None, b"")] * 1_000
        publishing = asyncio.create_task(publisher.publish(messages, Pace(1_000)))
        await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
        assert publisher.chunks == 1

    asyncio.run(story())
