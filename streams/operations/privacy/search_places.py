"""Searches the state folder of a worker and the topics for the people of a request.

What is found there has an end: `until` of each place says which. A worker's folder is searched only
where this process sees it; its changelog, which has the same, is searched on the broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiokafka
from aiokafka.errors import KafkaError
from rocksdict import AccessType, Options, Rdict

from schemas import topics
from schemas.topics import Topic, TopicKind
from streams.errors import Stop
from streams.operations.privacy.erased_ids import ErasedIds
from streams.runtime.clients import denied_right, new_consumer
from streams.settings.core import CoreSettings

Advance = Callable[[str], None]
_KINDS = (TopicKind.INTERNAL, TopicKind.OUTCOME, TopicKind.SOURCE)
_NAMELESS = frozenset({"model-snapshots", "rule-sets", "source-logs", "costs", "postbacks"})
"""Topics without people: models, rules, spending, and reports of Apple."""


@dataclass(frozen=True, slots=True)
class SearchedPlace:
    """What was looked at in one folder or topic, and what was found there."""

    place: str
    looked_at: int  # entries or messages
    naming: int  # of them, those that name the person
    share: float  # of the place that was looked at; below 1 the time was over


def search_folder(folder: Path, ids: ErasedIds) -> Iterator[SearchedPlace]:
    """Every state below a folder, as it is now; the worker may go on.

    Values that were overwritten stay in RocksDB's files until it compacts them, and are not found.
    """
    for current in sorted(folder.rglob("CURRENT")) if folder.is_dir() else ():
        where = current.parent
        looked_at = naming = 0
        state = Rdict(str(where), Options(raw_mode=True), access_type=AccessType.read_only(False))
        try:
            for key, value in state.items():
                looked_at += 1
                naming += ids.are_in(bytes(key)) or ids.are_in(bytes(value))
        finally:
            state.close()
        name = where.relative_to(folder)
        yield SearchedPlace(f"state {name}", looked_at, naming, 1.0)


def search_topics(
    core: CoreSettings, ids: ErasedIds, seconds: float, advance: Advance
) -> list[SearchedPlace]:
    """Every topic that may name people, changelogs first, for at most `seconds` in all.

    Stop: no broker answers, or it forbids to read.
    """
    try:
        return asyncio.run(_TopicSearch(core, ids, seconds, advance).run())
    except KafkaError as error:
        raise Stop(denied_right(error) or f"Kafka failed meanwhile: {error}") from error


class _TopicSearch:
    def __init__(
        self, core: CoreSettings, ids: ErasedIds, seconds: float, advance: Advance
    ) -> None:
        self._core, self._ids, self._advance = core, ids, advance
        self._deadline = time.monotonic() + seconds

    async def run(self) -> list[SearchedPlace]:
        consumer = new_consumer(self._core)
        await consumer.start()
        try:
            known = await consumer.topics()
            return [
                await self._search(consumer, topic)
                for topic in _in_order()
                if self._core.topic(topic.name) in known
            ]
        finally:
            await consumer.stop()

    async def _search(self, consumer: aiokafka.AIOKafkaConsumer, topic: Topic) -> SearchedPlace:
        self._advance(f"topic {topic.name}")
        name = self._core.topic(topic.name)
        partitions = [
            aiokafka.TopicPartition(name, number)
            for number in sorted(consumer.partitions_for_topic(name) or ())
        ]
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        total, looked_at, naming = sum(ends.values()) - sum(begins.values()), 0, 0
        while total and time.monotonic() < self._deadline:
            batches = await consumer.getmany(timeout_ms=500, max_records=2_000)
            for records in batches.values():
                for record in records:
                    looked_at += 1
                    octets = (record.key or b"") + b"\n" + (record.value or b"")
                    naming += self._ids.are_in(octets)
            positions = [await consumer.position(partition) for partition in partitions]
            if all(at >= ends[tp] for at, tp in zip(positions, partitions, strict=True)):
                return SearchedPlace(f"topic {topic.name}", looked_at, naming, 1.0)
        if not total:
            return SearchedPlace(f"topic {topic.name}", 0, 0, 1.0)
        read = sum([await consumer.position(tp) - begins[tp] for tp in partitions])
        return SearchedPlace(f"topic {topic.name}", looked_at, naming, min(1.0, read / total))


def _in_order() -> list[Topic]:
    """Changelogs come first: what they name, workers still know."""
    named = [topic for topic in topics.ALL if topic.name not in _NAMELESS]
    return sorted(named, key=lambda topic: (not topic.compacted, _KINDS.index(topic.kind)))
