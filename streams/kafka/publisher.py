"""Publishes messages to source topics; on the embedded broker, no faster than workers read them."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.errors import Stop
from streams.kafka.connection_fault import connection_fault
from streams.runtime.clients import denied_right, is_cancelled, new_producer
from streams.runtime.offsets import Offsets
from streams.runtime.pacing.lead import BoundedLead, ProducerLead, UnboundedLead
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

CHUNK_MESSAGES = 2_000
BATCH_BYTES = 500_000
REQUEST_BYTES_MAX = 4_194_304  # an event that is too large has to reach the log to be rejected


Published = tuple[str, int, int, bytes | None, bytes | None]
"""Topic without prefix, partition, timestamp in ms since 1970, key, value."""


class Pace:
    """Lets at most `per_second` messages pass in a second; None: without a limit."""

    def __init__(
        self,
        per_second: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        chunks_per_second: int = 10,
    ) -> None:
        self._per_second = per_second
        self._chunks_per_second = chunks_per_second
        self._clock = clock
        self._sleep = sleep
        self._started = clock()
        self._passed = 0

    @property
    def chunk(self) -> int:
        """How many messages to publish before asking `passed` again."""
        if self._per_second is None:
            return CHUNK_MESSAGES
        return max(1, min(CHUNK_MESSAGES, self._per_second // self._chunks_per_second))

    async def passed(self, messages: int) -> None:
        self._passed += messages
        if self._per_second is None:
            return
        ahead = self._passed / self._per_second - (self._clock() - self._started)
        if ahead > 0:
            await self._sleep(ahead)


class Publisher:
    """An idempotent producer for any source topic. Use it with `async with`.

    Entering raises Stop when no broker answers; `publish` raises aiokafka's KafkaError.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._offsets = Offsets(settings)
        self._lead: ProducerLead = UnboundedLead()
        if settings.lead.bytes_max:
            self._lead = BoundedLead(settings.lead, self._offsets.committed_by_readers)
        self._producer = new_producer(
            settings, max_batch_size=BATCH_BYTES, max_request_size=REQUEST_BYTES_MAX, linger_ms=0
        )

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
            await self._offsets.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise Stop(
                denied_right(error) or await connection_fault(self._settings.client(), error)
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._producer.stop()
        await self._offsets.stop()

    async def publish(
        self,
        messages: Iterable[Published],
        pace: Pace | None = None,
        on_progress: Callable[[int], None] = lambda done: None,
    ) -> int:
        """Write all messages, in order within each partition, and return their number.

        Returns once the broker has acknowledged them. `on_progress` is given the number so far.
        """
        pace = pace or Pace(None)
        source = iter(messages)
        done = 0
        while chunk := list(islice(source, pace.chunk)):
            if is_cancelled():
                raise asyncio.CancelledError
            await self._write(chunk)
            done += len(chunk)
            on_progress(done)
            await pace.passed(len(chunk))
        return done

    async def _write(self, chunk: Sequence[Published]) -> None:
        by_partition: dict[TopicPartition, list[Published]] = defaultdict(list)
        for message in chunk:
            by_partition[message[0], message[1]].append(message)
        await asyncio.gather(
            *(self._write_partition(tp, messages) for tp, messages in by_partition.items())
        )

    async def _write_partition(self, tp: TopicPartition, messages: list[Published]) -> None:
        for batch, size in self._batches(messages):
            await self._lead.wait({tp: size})
            sent = await self._producer.send_batch(
                batch, self._settings.topic(tp[0]), partition=tp[1]
            )
            written = await sent
            self._lead.sent(tp, written.offset + size[0], size)

    def _batches(self, messages: list[Published]) -> Iterator[tuple[BatchBuilder, tuple[int, int]]]:
        """Full batches, each with its (messages, bytes)."""
        batch = self._producer.create_batch()
        for message in messages:
            if self._append(batch, message):
                continue
            batch.close()
            yield batch, (batch.record_count(), batch.size())
            batch = self._producer.create_batch()
            self._append(batch, message)
        batch.close()
        yield batch, (batch.record_count(), batch.size())

    def _append(self, batch: BatchBuilder, message: Published) -> bool:
        _, _, timestamp, key, value = message
        appended = batch.append(key=key, value=value, timestamp=timestamp)
        return appended is not None
