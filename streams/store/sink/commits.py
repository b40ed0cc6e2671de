"""Commits offsets through Faust's consumer, which lives in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiokafka
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

RETRY_SECONDS = 0.5

NextOffsets = Mapping[aiokafka.TopicPartition, int]


async def commit(consumer: Any, offsets: NextOffsets, is_ours: Callable[[], bool]) -> None:
    """Try until Kafka has it, or until the partitions are gone: then it does not matter, because
    what is stored is recognised when it is read again. `consumer` is Faust's."""

    async def in_thread(offsets: NextOffsets) -> None:
        client: aiokafka.AIOKafkaConsumer = consumer._thread._ensure_consumer()
        assigned = {tp: at for tp, at in offsets.items() if tp in client.assignment()}
        if assigned:
            await client.commit(assigned)

    while is_ours():
        try:
            await consumer._thread.call_thread(in_thread, offsets)
            return
        except (CommitFailedError, IllegalStateError):
            return
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(RETRY_SECONDS)
