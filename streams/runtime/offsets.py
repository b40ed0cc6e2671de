"""The committed offsets of consumer groups, and the first and last offsets of logs."""

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
"""Commit markers and aborted transactions take offsets but are no records. After the last record
of an internal topic a group stays in front of them, and loses nothing when retention deletes them.
This many such offsets are accepted."""

Answer = TypeVar("Answer")


class LostRecordsError(HeadwaterError):
    """The log no longer has the next record to read; the message says where, and what to do."""


class Offsets:
    """Queries of the broker. Topic names are given and returned without the prefix.

    Call `start` first and `stop` last. Every query waits for the broker; those of offsets retry
    for a minute while coordinators and leaders move, and then raise aiokafka's KafkaError.
    """

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
        """The number of partitions of a topic; 0 when there is no such topic."""
        assert self._admin is not None, "start() comes first"
        described = await self._admin.describe_topics([self._settings.topic(topic)])
        return max((len(found["partitions"]) for found in described), default=0)

    async def committed(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """The committed offsets of a group; partitions without one are left out."""
        assert self._admin is not None, "start() comes first"
        admin, wanted = self._admin, [self._with_prefix(tp) for tp in tps]
        found = await _patiently(
            lambda: admin.list_consumer_group_offsets(group, partitions=wanted)
        )
        return {self._without_prefix(tp): at.offset for tp, at in found.items() if at.offset >= 0}

    async def first(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each log still has."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._with_prefix(tp) for tp in tps]
        found = await _patiently(lambda: consumer.beginning_offsets(wanted))
        return {self._without_prefix(tp): offset for tp, offset in found.items()}

    async def high_watermark(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset after the last record of each log, unfinished transactions included."""
        assert self._consumer is not None, "start() comes first"
        consumer, wanted = self._consumer, [self._with_prefix(tp) for tp in tps]
        found = await _patiently(lambda: consumer.end_offsets(wanted))
        return {self._without_prefix(tp): offset for tp, offset in found.items()}

    async def positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset of this group; LostRecordsError if retention overtook the group."""
        committed = await self.committed(self._settings.group_id, tps)
        first = await self.first(tps)
        for tp, offset in committed.items():
            topic = BY_NAME.get(tp[0])
            no_records = NO_RECORDS_MAX if topic and topic.kind is TopicKind.INTERNAL else 0
            if offset + no_records < first[tp]:
                raise LostRecordsError(
                    f"{tp[0]}-{tp[1]} begins at offset {first[tp]} but {offset} was to be read "
                    f"next: {first[tp] - offset} records are lost; lengthen the topic's retention, "
                    f"and to continue without them set the offset of group "
                    f"{self._settings.group_id}"
                )
        return {tp: max(offset, committed.get(tp, 0)) for tp, offset in first.items()}

    async def committed_by_readers(self, tp: TopicPartition) -> int | None:
        """The offset that the reading group has committed; None for a topic without readers."""
        group = self._settings.consumer_group(tp[0])
        if group is None:
            return None
        return (await self.committed(group, [tp])).get(tp, 0)

    def _with_prefix(self, tp: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self._settings.topic(tp[0]), tp[1])

    def _without_prefix(self, tp: aiokafka.TopicPartition) -> TopicPartition:
        return self._settings.topic_without_prefix(tp.topic), tp.partition


async def _patiently(
    ask: Callable[[], Awaitable[Mapping[aiokafka.TopicPartition, Answer]]],
) -> Mapping[aiokafka.TopicPartition, Answer]:
    """Ask again while coordinators or leaders move."""
    give_up_at = time.monotonic() + RETRY_FOR_SECONDS
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(_RETRY_SECONDS)
