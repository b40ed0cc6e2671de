"""Reads messages by their places in the log, for whoever has only those. Of a topic that was
created anew, places of earlier logs are gone.

It has an event loop in a thread of its own, so that an ordinary iterator can read from Kafka while
another loop publishes what it yields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

import aiokafka
from aiokafka.errors import KafkaError

from schemas.records import log_at, offset_at, place_in_log
from schemas.topics import SOURCES
from streams.errors import Stop
from streams.kafka.connection_fault import connection_fault
from streams.kafka.registers.source_logs import numbered, recorded_logs
from streams.runtime.clients import denied_right, new_consumer
from streams.runtime.offsets import Offsets
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_Answer = TypeVar("_Answer")

SILENT_SECONDS_MAX = 30.0
"""A broker that answers nothing for so long is given up."""
RECORDS_READ_MAX = 500
"""Records that one step returns, so that memory holds few large ones."""
SKIPPED_RECORDS_MAX = 2_000
"""Records between two wanted ones that are read and left out; beyond them the reader jumps."""


class PlaceReader:
    """Reads single offsets of topics. Use it with `with`; Stop when no broker answers."""

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._runner = asyncio.Runner()
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._offsets = Offsets(settings)
        self._logs: Mapping[str, int] = {}  # by source topic, the number of its present log

    def __enter__(self) -> Self:
        try:
            self._wait(self._start())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def first_offset(self, tp: TopicPartition) -> int | None:
        """The first offset that the log still has; None: there is no such log, or it is empty."""
        begin, end = self._wait(self._bounds(tp))
        return begin if end > begin else None

    def read(self, tp: TopicPartition, places: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """The records at these ascending places, each with its place; those that are gone are left
        out.

        Stop: the broker goes away meanwhile.
        """
        begin, end = self._wait(self._bounds(tp))
        log = self._logs.get(tp[0], 0)
        offsets = (offset_at(one) for one in places if log_at(one) == log)
        wanted = [offset for offset in offsets if begin <= offset < end]
        partition = self._partition(tp)
        position = wanted[0] if wanted else begin
        while wanted:
            if wanted[0] - position > SKIPPED_RECORDS_MAX:
                position = wanted[0]
            records, position = self._wait(self._next(partition, position))
            found = {record.offset: record for record in records}
            while wanted and wanted[0] < position:
                if (record := found.get(wanted.pop(0))) is not None:
                    yield place_in_log(log, record.offset), record

    async def _start(self) -> None:
        consumer = new_consumer(self._settings, enable_auto_commit=False, fetch_max_wait_ms=100)
        try:
            await consumer.start()
            await self._offsets.start()
            logs = await self._offsets.known_logs(topic.name for topic in SOURCES)
        except (KafkaError, OSError) as error:
            await consumer.stop()
            client = self._settings.client()
            raise Stop(denied_right(error) or await connection_fault(client, error)) from error
        self._consumer = consumer
        if logs.topic_ids:
            self._logs, _ = numbered(await recorded_logs(self._settings), logs)

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """First offset and end; both 0 where there is no such log."""
        if tp[1] >= await self._offsets.partitions(tp[0]):
            return 0, 0
        begin, end = await self._offsets.first([tp]), await self._offsets.high_watermark([tp])
        return begin[tp], end[tp]

    async def _next(self, place: aiokafka.TopicPartition, position: int) -> tuple[list[Any], int]:
        """Some records from this position on, and the position after them."""
        consumer = self._open()
        if place not in consumer.assignment():
            consumer.assign([place])
            consumer.seek(place, position)
        elif await consumer.position(place) != position:
            consumer.seek(place, position)
        while True:
            answer = await consumer.getmany(place, timeout_ms=500, max_records=RECORDS_READ_MAX)
            after = await consumer.position(place)
            if answer or after > position:
                return list(answer.get(place, ())), after

    def _partition(self, tp: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self._settings.topic(tp[0]), tp[1])

    def _open(self) -> aiokafka.AIOKafkaConsumer:
        assert self._consumer is not None, "use it with `with`"
        return self._consumer

    def _wait(self, ask: Coroutine[Any, Any, _Answer]) -> _Answer:
        async def asked() -> _Answer:
            async with asyncio.timeout(SILENT_SECONDS_MAX):
                return await ask

        try:
            return self._thread.submit(self._runner.run, asked()).result()
        except TimeoutError as error:
            raise Stop(
                f"Kafka answers nothing for {SILENT_SECONDS_MAX:.0f} seconds: try again"
            ) from error
        except KafkaError as error:
            raise Stop(denied_right(error) or f"Kafka went away meanwhile: {error}") from error

    def _close(self) -> None:
        if self._consumer is not None:
            self._wait(self._consumer.stop())
            self._wait(self._offsets.stop())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
