"""Commits offsets through Faust's consumer, which has a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import aiokafka
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.runtime.faust.transport import BatchConsumer

RETRY_SECONDS = 0.5

NextOffsets = Mapping[aiokafka.TopicPartition, tuple[int, str]]
"""Each with the metadata that is committed beside it."""


async def commit(
    consumer: BatchConsumer, offsets: NextOffsets, is_ours: Callable[[], bool]
) -> None:
    """Retry until Kafka has the offsets or the partitions are revoked.

    After a revocation the commit does not matter: stored rows are recognised when they are read
    again. Raises KafkaError for an error that a retry cannot mend.
    """
    while is_ours():
        try:
            await consumer.commit_own(offsets)
            return
        except (CommitFailedError, IllegalStateError):
            return
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(RETRY_SECONDS)
