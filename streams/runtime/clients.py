"""Creates every Kafka consumer and producer of the project."""

from __future__ import annotations

import asyncio
from typing import Any

import aiokafka

from streams.settings.core import CoreSettings


def new_consumer(settings: CoreSettings, **options: Any) -> aiokafka.AIOKafkaConsumer:
    """A consumer of committed records, from the oldest on, that never commits by itself.

    `options` are aiokafka's and replace those set here. Needs a running event loop; whoever calls
    starts and stops the consumer.
    """
    chosen = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        # The embedded broker's commit markers carry no checksum.
        "check_crcs": not settings.embedded,
        **options,
    }
    return aiokafka.AIOKafkaConsumer(**settings.client(), **chosen)


def new_producer(settings: CoreSettings, **options: Any) -> aiokafka.AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas; see `new_consumer`."""
    chosen = {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": settings.compression,
        **options,
    }
    return aiokafka.AIOKafkaProducer(**settings.client(), **chosen)


def is_cancelled() -> bool:
    """Whether the current task was cancelled, even if the exception was lost.

    aiokafka swallows a cancellation that arrives while it opens or closes a client. Whoever
    cancelled the task would then wait for it for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
