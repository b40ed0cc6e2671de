"""Whether a consumer group has read everything.

Offsets alone do not show it: every transaction ends with a commit marker, which takes an offset but
is no record, so a group that has read every record is a few offsets short of the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import aiokafka

from streams.runtime.clients import new_consumer
from streams.runtime.offsets import Offsets
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_READ_SECONDS = 5.0
_Standing = Mapping[TopicPartition, tuple[int, int]]  # next offset of the group, end of the log


async def caught_up(
    bootstrap: str,
    group: str,
    topics: Iterable[str],
    settings: CoreSettings | None = None,
) -> bool:
    """Whether `group` has, at one moment, committed past every record of these topics.

    Pass all topics that feed each other, so that no record is between two of them. A record of an
    unfinished transaction counts as unread. Topics whose readers commit late on purpose
    (`examples`) are never caught up. `settings` gives credentials and topic prefix. Raises
    aiokafka's KafkaError when the broker does not answer.
    """
    settings = settings or CoreSettings(bootstrap)
    offsets = Offsets(settings)
    await offsets.start()
    try:
        before = await _standing(offsets, group, topics)
        behind = {tp: span for tp, span in before.items() if span[0] < span[1]}
        if behind and await _has_records(settings, behind):
            return False
        # Partitions are queried one after the other: it was one moment only if nothing moved.
        return before == await _standing(offsets, group, topics)
    finally:
        await offsets.stop()


async def committed_sum(settings: CoreSettings, group: str, topics: Iterable[str]) -> int:
    """The committed offsets of a group, added up: a figure that moves while the group reads."""
    offsets = Offsets(settings)
    await offsets.start()
    try:
        tps = [(topic, p) for topic in topics for p in range(await offsets.partitions(topic))]
        return sum((await offsets.committed(group, tps)).values())
    finally:
        await offsets.stop()


async def _standing(offsets: Offsets, group: str, topics: Iterable[str]) -> _Standing:
    counts = {topic: await offsets.partitions(topic) for topic in topics}
    tps = [(topic, p) for topic, count in counts.items() for p in range(count)]
    committed = await offsets.committed(group, tps)
    first = await offsets.first(tps)
    end = await offsets.high_watermark(tps)
    return {tp: (max(committed.get(tp, 0), first[tp]), end[tp]) for tp in tps}


async def _has_records(settings: CoreSettings, spans: _Standing) -> bool:
    """Whether these ranges hold anything but commit markers and aborted transactions."""
    consumer = new_consumer(settings, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        ends = {
            aiokafka.TopicPartition(settings.topic(topic), p): span
            for (topic, p), span in spans.items()
        }
        consumer.assign(list(ends))
        for tp, (position, _) in ends.items():
            consumer.seek(tp, position)
        async with asyncio.timeout(_READ_SECONDS):
            while True:
                if await consumer.getmany(timeout_ms=100, max_records=1):
                    return True
                # Positions move past markers without returning a record.
                at = [(await consumer.position(tp), end) for tp, (_, end) in ends.items()]
                if all(position >= end for position, end in at):
                    return False
    except TimeoutError:
        return True  # An unfinished transaction keeps its records from being read.
    finally:
        await consumer.stop()
