"""Where groups stand and where logs begin and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import BY_NAME, TopicKind
from streams.errors import HeadwaterError
from streams.runtime.clients import new_consumer
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_RETRY_SECONDS = 0.2
RETRY_FOR_SECONDS = 60.0
NO_RECORDS_MAX = 10_000
"""A group stands still at the last record of an internal topic while commit markers and undone
transactions follow it. When retention removes those, nothing is lost."""

Answer = TypeVar("Answer")


class LostRecordsError(HeadwaterError):
    """The log no longer has what was to be read next; the message says where."""


class Offsets:
    """Asks the broker. Topic names come and go without the prefix."""

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: aiokafka.AIOKafkaConsumer | None = None

    async def start(self) -> None:
        self._admin = AIOKafkaAdminClient(**self._settings.client())
        # Uncommitted, so that the end of a log includes unfinished transactions.
        self._consumer = new_consumer(self._settings, isolation_level="read_uncommitted")
        await self._admin.start()
        await self._consumer.start()

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
        if self._admin is not None:
            await self._admin.close()

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 when there is no such topic."""
        assert self._admin is not None, "start() comes first"
        described = await self._admin.describe_topics([self._settings.topic(topic)])
        return max((len(found["partitions"]) for found in described), default=0)

    async def committed(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Committed offsets; partitions without one are left out."""
        assert self._admin is not None, "start() comes first"
        admin, wanted = self._admin, [self._kafka(tp) for tp in tps]
        found = await _patiently(
            lambda: admin.list_consumer_group_offsets(group, partitions=wanted)
        )
        return {self._ours(tp): at.offset for tp, at in found.items() if at.offset >= 0}

    async def first(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The oldest offset that each log still has."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._kafka(tp) for tp in tps]
        found = await _patiently(lambda: consumer.beginning_offsets(wanted))
        return {self._ours(tp): offset for tp, offset in found.items()}

    async def high_watermark(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each log, unfinished transactions included."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._kafka(tp) for tp in tps]
        found = await _patiently(lambda: consumer.end_offsets(wanted))
        return {self._ours(tp): offset for tp, offset in found.items()}

    async def positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the core group goes on; LostRecordsError if retention was faster than the group."""
        committed = await self.committed(self._settings.group_id, tps)
        first = await self.first(tps)
        for tp, offset in committed.items():
            topic = BY_NAME.get(tp[0])
            no_records = NO_RECORDS_MAX if topic and topic.kind is TopicKind.INTERNAL else 0
            if offset + no_records < first[tp]:
                raise LostRecordsError(
                    f"{tp[0]}-{tp[1]} begins at offset {first[tp]} but {offset} was to be read "
                    f"next: {first[tp] - offset} records are gone; lengthen the topic's retention "
                    f"and set the offset of group {self._settings.group_id} to go on without them"
                )
        return {tp: max(offset, committed.get(tp, 0)) for tp, offset in first.items()}

    async def committed_by_readers(self, tp: TopicPartition) -> int | None:
        """What the group that reads this topic has committed; None when no group reads it."""
        group = self._settings.consumer_group(tp[0])
        if group is None:
            return None
        return (await self.committed(group, [tp])).get(tp, 0)

    def _kafka(self, tp: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self._settings.topic(tp[0]), tp[1])

    def _ours(self, tp: aiokafka.TopicPartition) -> TopicPartition:
        return tp.topic.removeprefix(self._settings.topic_prefix), tp.partition


async def _patiently(
    ask: Callable[[], Awaitable[Mapping[aiokafka.TopicPartition, Answer]]],
) -> Mapping[aiokafka.TopicPartition, Answer]:
    """Coordinators and leaders move; the answer is a moment later."""
    give_up_at = time.monotonic() + RETRY_FOR_SECONDS
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(_RETRY_SECONDS)
