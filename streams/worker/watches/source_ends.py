"""How far this worker has read the source topics, for the day on which one of them is deleted.

What nobody had read of it is lost, and nobody can count it any more: Kafka drops the log together
with the group's offsets. So a worker notes, every two seconds in which the logs are still the same,
where they end and what it has decided. When one is gone as the worker ends, it records that in the
topic `source-logs`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from streams.kafka.registers.source_logs import (
    SourceLog,
    furthest,
    numbered,
    record,
    recorded_logs,
)
from streams.runtime.identity import KnownLogs
from streams.runtime.lane import Lane
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_RECORD_SECONDS = 5.0

EndOf = Callable[[TopicPartition], int | None]
"""Where a log ends, by the last fetch; None: unknown."""


class SourceEnds:
    """Call `note` while the logs are those that the worker started with, and `keep` last."""

    def __init__(self, end_of: EndOf) -> None:
        self.lanes: Callable[[], Iterable[Lane]] = tuple
        self._end_of = end_of
        self._seen: dict[TopicPartition, tuple[int, int]] = {}

    def note(self) -> None:
        """Remember how far each source partition is decided, and its end."""
        for lane in self.lanes():
            if lane.is_open and lane.spec.is_source:
                for tp in lane.spec.partitions(lane.p):
                    if (end := self._end_of(tp)) is not None:
                        self._seen[tp] = lane.queue.decided(tp), end

    def of_gone(
        self, known: Iterable[SourceLog], before: KnownLogs, now: KnownLogs
    ) -> list[SourceLog]:
        """What is to be recorded of the logs that are no longer there. A partition that another
        worker got meanwhile, and has recorded, is left to that one."""
        known = list(known)
        numbers, _ = numbered(known, before)
        gone = [
            SourceLog(
                topic=topic, log=before.log_id(topic), number=numbers[topic],
                partition=p, decided=decided, end=end,
            )
            for (topic, p), (decided, end) in sorted(self._seen.items())
            if topic in numbers and before.log_id(topic) != now.log_id(topic)
        ]  # fmt: skip
        most = furthest([*known, *gone])
        return [one for one in gone if most[one.key] is one]

    async def keep(
        self, core: CoreSettings, before: KnownLogs, look: Callable[[], Awaitable[KnownLogs]]
    ) -> None:
        """Record what is gone, if Kafka takes it within seconds: it holds up no stop."""
        if not self._seen or not before.topic_ids:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_RECORD_SECONDS):
                now = await look()
                if all(before.log_id(topic) == now.log_id(topic) for topic, _ in self._seen):
                    return
                if gone := self.of_gone(await recorded_logs(core), before, now):
                    await record(core, gone)
