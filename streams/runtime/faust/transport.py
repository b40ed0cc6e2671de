"""Faust's Kafka transport, with what this project needs from the consumer.

It reads committed records only, uses the co-partitioned assignor, can hold partitions whose lane
is full without losing what was already fetched, and always knows where to continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from yarl import URL

from streams.runtime.faust.assignor import CoPartitionedAssignor
from streams.settings.core import CoreSettings

FETCH_WAIT_MS = 50
"""aiokafka has one fetch at a time per broker: a partition that was just read out waits until the
fetch for the others returns, so this is the worst latency it adds."""

POLL_SECONDS = 0.1
"""Longest wait of one poll: a partition released meanwhile is read by the next one."""

ALL_HELD_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    settings: CoreSettings
    single_partition_topics: frozenset[str]


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust runs aiokafka's consumer in its own thread, so heartbeats survive long decisions."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        options: ConsumerOptions = transport.options
        settings = options.settings
        session_ms = int(settings.session_timeout_seconds * 1000)
        self._assignor = CoPartitionedAssignor(
            options.single_partition_topics, lambda: self._consumer._coordinator.generation
        )
        return aiokafka.AIOKafkaConsumer(
            **settings.client(),
            client_id=self.app.conf.broker_client_id,
            group_id=self.app.conf.id,
            group_instance_id=settings.group_instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            # The in-process broker's commit markers carry no checksum.
            check_crcs=not settings.embedded,
            max_poll_records=settings.poll_records_max,
            max_poll_interval_ms=2**31 - 1,  # Decisions run outside the consumer's thread.
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=max(session_ms, 30_000),
            heartbeat_interval_ms=session_ms // 5,
            request_timeout_ms=max(session_ms, int(settings.request_timeout_seconds * 1000)),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            metadata_max_age_ms=self.app.conf.consumer_metadata_max_age_ms,
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Also partitions without a commit go back, to their beginning: what was fetched around
        a rebalance and thrown away has to be read again."""
        offsets: Mapping[TP, int] = await self.call_thread(self._rewind)
        return offsets

    async def _rewind(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        committed = {}
        for tp in consumer.assignment():
            offset = await consumer.committed(tp)
            committed[tp] = offset
            if offset is not None and offset >= 0:
                consumer.seek(tp, offset)
            else:
                await consumer.seek_to_beginning(tp)
        return committed


class _Consumer(driver.Consumer):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held: set[TP] = set()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    # Faust's own pause_partitions drops records of a poll that is under way. These two act
    # between polls.
    def hold(self, tps: Iterable[tuple[str, int]]) -> None:
        self._held.update(map(self._place, tps))

    def release(self, tps: Iterable[tuple[str, int]]) -> None:
        self._held.difference_update(map(self._place, tps))

    def _place(self, tp: tuple[str, int]) -> TP:
        """Lanes know topics without the prefix."""
        return TP(self.transport.options.settings.topic(tp[0]), tp[1])

    def has_more(self, tp: tuple[str, int], offset: int) -> bool:
        """By the last answer of the broker; unknown counts as no."""
        consumer = self._thread._consumer
        place = aiokafka.TopicPartition(*self._place(tp))
        if consumer is None or place not in consumer.assignment():
            return False
        highwater = consumer.highwater(place)
        return highwater is not None and highwater > offset

    async def announce(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Commit offsets as an ordinary group member."""
        await self._thread.commit({TP(topic, p): at for (topic, p), at in positions.items()})

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 - as in Faust
    ) -> Any:
        wanted = (active_partitions or set()) - self._held
        if not wanted:  # aiokafka would take an empty set for "all".
            await asyncio.sleep(ALL_HELD_SECONDS)
            return {}
        return await super()._getmany(wanted, min(timeout, POLL_SECONDS))


class _Producer(driver.Producer):  # type: ignore[misc]
    """Faust's producer writes only clock ticks."""

    def _settings_auth(self) -> Mapping[str, Any]:
        return self.transport.options.settings.security  # type: ignore[no-any-return]


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Set as `app.transport` and `app.producer_transport`."""

    Consumer = _Consumer
    Producer = _Producer

    def __init__(self, app: Any, options: ConsumerOptions) -> None:
        super().__init__([URL(url) for url in broker_urls(options.settings)], app)
        self.options = options


def broker_urls(settings: CoreSettings) -> list[str]:
    """Bootstrap servers the way Faust wants them."""
    return [f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")]
