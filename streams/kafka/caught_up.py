"""Whether a group has read everything there is to read.

Offsets alone cannot say: every transaction ends with a commit marker that takes an offset but is
no record, so a group that has read all is a few offsets short of the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import aiokafka

from streams.runtime.clients import new_consumer
from streams.runtime.offsets import Offsets
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

PEEK_SECONDS = 5.0
_Standing = Mapping[TopicPartition, tuple[int, int]]  # next offset of the group, end of the log


async def caught_up(
    bootstrap: str,
    group: str,
    topics: Iterable[str],
    settings: CoreSettings | None = None,
) -> bool:
    """Whether `group` has committed past every record of these topics, at one moment.

    Pass all topics that feed each other, so that nothing is between two of them. A record of an
    unfinished transaction counts as not read. Topics whose readers commit late on purpose
    (`examples`) are never caught up. `settings` brings security and prefix.
    """
    settings = settings or CoreSettings(bootstrap)
    offsets = Offsets(settings)
    await offsets.start()
    try:
        before = await _standing(offsets, group, topics)
        behind = {tp: span for tp, span in before.items() if span[0] < span[1]}
        if behind and await _has_records(settings, behind):
            return False
        # Groups are asked one after the other: only if nothing moved was it one moment.
        return before == await _standing(offsets, group, topics)
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
    """Whether there is anything but markers and undone transactions in these stretches."""
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
        async with asyncio.timeout(PEEK_SECONDS):
            while True:
                if await consumer.getmany(timeout_ms=100, max_records=1):
                    return True
                # Positions move past markers without giving a record.
                at = [(await consumer.position(tp), end) for tp, (_, end) in ends.items()]
                if all(position >= end for position, end in at):
                    return False
    except TimeoutError:
        return True  # An unfinished transaction holds the end back.
    finally:
        await consumer.stop()
