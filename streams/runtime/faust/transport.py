"""Faust's Kafka transport with a consumer of our own.

It reads committed records only, uses the co-partitioned assignor, can hold partitions whose lane
is full without losing what was fetched already, and continues after a rebalance from the committed
offset of every partition.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from faust.types import TP
from yarl import URL

from streams.runtime.clients import is_cancelled, is_lasting, is_passing, new_consumer
from streams.runtime.faust.assignor import CoPartitionedAssignor
from streams.runtime.faust.fetch_moments import NOT_FETCHED, FetchMoments
from streams.runtime.faust.group_admission import foreign_partitions
from streams.runtime.faust.internals import (
    OwnConsumer,
    OwnConsumerThread,
    OwnProducer,
    OwnTransport,
    awaiting_error,
    commit_in_generation,
    coordinator_answer,
    fetch_beside_waiting_records,
    group_generation,
    membership_error,
    permit_resets,
    refresh_partitions,
    request_rejoin,
    watch_fetches,
)
from streams.runtime.identity import UNKNOWN_LOGS, KnownLogs, read_label
from streams.runtime.identity.position_request import PositionRequest, positions_in
from streams.runtime.offsets import LostRecordsError
from streams.settings.core import CoreSettings

_logger = logging.getLogger(__name__)

FETCH_WAIT_MS = 50
"""aiokafka has one fetch at a time per broker: a partition without fetched records waits until the
fetch for the others returns. This is the most latency that adds."""

_POLL_SECONDS = 0.1
"""Longest wait of one poll; a partition that is released meanwhile is read by the next one."""

_HEARTBEAT_MS_MAX = 3_000
"""A rebalance is noticed with a heartbeat, so that a long session must not mean rare ones."""

_ALL_HELD_SECONDS = 0.01
_REWIND_AGAIN_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 0.2
_REFUSED_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    settings: CoreSettings
    single_partition_topics: frozenset[str]


class _Thread(OwnConsumerThread):
    """Faust runs aiokafka's consumer in a thread, so heartbeats go on during long decisions."""

    _joins = 0  # attempts to join the group

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.moments = FetchMoments()
        super().__init__(*args, **kwargs)

    def create_client(self) -> aiokafka.AIOKafkaConsumer:
        options: ConsumerOptions = self.transport.options
        settings = options.settings
        session_ms = int(settings.session_timeout_seconds * 1000)
        assignor = CoPartitionedAssignor(
            options.single_partition_topics, lambda: group_generation(self.client)
        )
        return new_consumer(
            settings,
            client_id=self.app.conf.broker_client_id,
            group_id=self.app.conf.id,
            group_instance_id=settings.group_instance_id,
            partition_assignment_strategy=[assignor],
            max_poll_records=settings.poll_records_max,
            max_poll_interval_ms=2**31 - 1,  # Decisions run outside the consumer's thread.
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=max(session_ms, 30_000),
            heartbeat_interval_ms=min(session_ms // 5, _HEARTBEAT_MS_MAX),
            request_timeout_ms=max(session_ms, int(settings.request_timeout_seconds * 1000)),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            metadata_max_age_ms=self.app.conf.consumer_metadata_max_age_ms,
        )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Called before each attempt to join the group, also the first one."""
        if self.client_or_none is not None:
            fetch_beside_waiting_records(self.client)
            watch_fetches(self.client, self.moments)
            permit_resets(self.client, True)
        self._joins += 1
        await super().on_partitions_revoked(revoked)
        if self.client_or_none is not None:
            await self._require_partitions(self.client)

    async def _require_partitions(self, client: aiokafka.AIOKafkaConsumer) -> None:
        """Wait until the client knows the partitions of all its topics, or the thread stops.

        When it subscribes, aiokafka asks for them once. Were Kafka away just then, it would join
        the group without them, assign nothing to anybody, and ask again after five minutes.
        """
        while not all(map(client.partitions_for_topic, client.subscription())):
            if await self.wait_for_stopped(refresh_partitions(client)):
                return
            await self.sleep(_ASK_AGAIN_SECONDS)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every partition to its committed offset, and to its beginning if there is none.

        Records that were fetched around a rebalance and dropped are read again that way. An offset
        that was committed to another log of the same name counts as none.
        """
        while True:
            try:
                offsets: Mapping[TP, int] = await self.call_thread(self._rewind)
                return offsets
            except (KafkaError, TimeoutError) as error:
                if not is_passing(error):
                    raise
                await asyncio.sleep(_REWIND_AGAIN_SECONDS)

    async def _rewind(self) -> Mapping[TP, int]:
        client = self.client
        logs: KnownLogs = self.transport.logs
        name_of = self.transport.options.settings.topic_without_prefix
        committed = {}
        assigned, joins = client.assignment(), self._joins
        request = PositionRequest(self.transport.options.settings.group_id, assigned)
        known = positions_in((await coordinator_answer(client, request)).to_object())
        for tp in assigned:
            found, log_id = known.get(tp), logs.log_id(name_of(tp.topic))
            if found and read_label(found.metadata).fits(log_id):
                committed[tp] = found.offset
                client.seek(tp, found.offset)
            else:
                await client.seek_to_beginning(tp)
        # From here on every partition has a position. Where its log no longer has that record,
        # aiokafka would go on at the first record and say nothing. The embedded broker keeps
        # little, and its readers' lag is bounded instead. Partitions of a group that is joined anew
        # meanwhile have none yet.
        embedded = self.transport.options.settings.embedded
        permit_resets(client, embedded or joins != self._joins)
        return committed


class BatchConsumer(OwnConsumer):
    """What the workers need from the consumer; `app.consumer` once Faust has started."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held: set[TP] = set()
        super().__init__(*args, **kwargs)

    def create_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    # Faust's own pause_partitions drops the records of a poll under way. These two act between
    # polls.
    def hold(self, tps: Iterable[tuple[str, int]]) -> None:
        self._held.update(map(self._with_prefix, tps))

    def release(self, tps: Iterable[tuple[str, int]]) -> None:
        self._held.difference_update(map(self._with_prefix, tps))

    def _with_prefix(self, tp: tuple[str, int]) -> TP:
        """Lanes name topics without the prefix."""
        return TP(self.transport.options.settings.topic(tp[0]), tp[1])

    def has_more(self, tp: tuple[str, int], offset: int) -> bool:
        """Whether there are records from `offset` on, by the last fetch; False if unknown."""
        return (self._known_end(self._with_prefix(tp)) or 0) > offset

    def read_at(self, tp: tuple[str, int], offset: int) -> float:
        kafka_tp = self._with_prefix(tp)
        # The moment first: a fetch that comes in between may only move the end.
        moment, end = self.thread.moments.of(kafka_tp), self._known_end(kafka_tp)
        return moment if end is not None and end <= offset else NOT_FETCHED

    def _known_end(self, tp: TP) -> int | None:
        client, kafka_tp = self.thread.client_or_none, aiokafka.TopicPartition(*tp)
        if client is None or kafka_tp not in client.assignment():
            return None
        end: int | None = client.highwater(kafka_tp)
        return end

    async def commit_own(self, offsets: Mapping[aiokafka.TopicPartition, tuple[int, str]]) -> None:
        """Commit offsets, with their metadata, of partitions that are still assigned.

        Raises aiokafka's errors.
        """

        async def in_thread() -> None:
            client = self.thread.client
            assigned = {tp: at for tp, at in offsets.items() if tp in client.assignment()}
            if assigned:
                await client.commit(assigned)

        await self.thread.call_thread(in_thread)

    async def refusal(self) -> BaseException:
        """Wait for an error for which this client will never take part in its group."""
        while True:
            client = self.thread.client_or_none
            ended = membership_error(client) if client is not None else None
            if ended is not None:
                return foreign_partitions(ended) or ended
            error = awaiting_error(client) if client is not None else None
            if error is not None and is_lasting(error):
                return error
            await asyncio.sleep(_REFUSED_LOOK_SECONDS)

    async def claim(
        self, offsets: Mapping[tuple[str, int], tuple[int, str]], generation: int
    ) -> None:
        """Commit offsets, with their metadata, if the group is in this generation.

        Raises aiokafka's errors; topics are named without the prefix.
        """
        wanted = {aiokafka.TopicPartition(*self._with_prefix(tp)): at for tp, at in offsets.items()}

        async def in_thread() -> None:
            await commit_in_generation(self.thread.client, wanted, generation)

        await self.thread.call_thread(in_thread)

    async def rejoin(self) -> None:
        """Ask for a new generation of the group, in which every partition is assigned again."""

        async def in_thread() -> None:
            request_rejoin(self.thread.client)

        await self.thread.call_thread(in_thread)

    async def announce(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Commit offsets as an ordinary group member."""
        await self.thread.commit({TP(topic, p): at for (topic, p), at in positions.items()})

    async def poll(self, active: set[TP], seconds: float) -> Any:
        wanted = active - self._held
        if not wanted:  # aiokafka would take an empty set for "all".
            await asyncio.sleep(_ALL_HELD_SECONDS)
            return {}
        try:
            return await super().poll(wanted, min(seconds, _POLL_SECONDS))
        except asyncio.CancelledError:
            # When Kafka was away for long, aiokafka may cancel a wait of its own. Faust would take
            # it for its own end, and never poll again.
            if is_cancelled():
                raise
            _logger.info("a poll was cut short")
            return {}
        except OffsetOutOfRangeError as error:
            ((tp, offset),) = error.args[0].items()
            raise LostRecordsError(
                f"{tp.topic}-{tp.partition} no longer has offset {offset}, which was to be read "
                "next: retention removed it, or the topic was created anew; start the worker "
                "again, which says how many records are lost and how to go on"
            ) from error


class _TickProducer(OwnProducer):
    """Faust's producer, which writes only clock ticks."""

    def security(self) -> Mapping[str, Any]:
        security: Mapping[str, Any] = self.transport.options.settings.security
        return security


class BatchTransport(OwnTransport):
    """Set as `app.transport` and `app.producer_transport`."""

    Consumer = BatchConsumer
    Producer = _TickProducer

    def __init__(self, app: Any, options: ConsumerOptions) -> None:
        super().__init__([URL(url) for url in broker_urls(options.settings)], app)
        self.options = options
        self.logs = UNKNOWN_LOGS
        """What committed offsets are compared with; the worker sets it before Faust starts."""


def broker_urls(settings: CoreSettings) -> list[str]:
    """Bootstrap servers as Faust takes them: kafka://host:port."""
    return [f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")]
