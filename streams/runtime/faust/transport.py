"""Faust's Kafka transport with a consumer of our own.

It reads committed records only, uses the co-partitioned assignor, can hold partitions whose lane
is full without losing what was fetched already, and continues after a rebalance from the committed
offset of every partition.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from faust.types import TP
from yarl import URL

from streams.runtime.clients import is_cancelled, is_lasting, is_of_twin
from streams.runtime.faust.consumer_thread import ConsumerOptions, ConsumerThread
from streams.runtime.faust.fetch_moments import NOT_FETCHED
from streams.runtime.faust.group_admission import foreign_partitions
from streams.runtime.faust.internals import (
    OwnConsumer,
    OwnProducer,
    OwnTransport,
    awaiting_error,
    commit_in_generation,
    membership_error,
    request_rejoin,
)
from streams.runtime.faust.passed_offsets import PassedOffsets
from streams.runtime.identity import UNKNOWN_LOGS
from streams.runtime.offsets import LostRecordsError
from streams.settings.core import CoreSettings

_logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
"""Longest wait of one poll; a partition that is released meanwhile is read by the next one."""

_ALL_HELD_SECONDS = 0.01
_REFUSED_LOOK_SECONDS = 1.0
_TWIN_SECONDS = 15.0
"""Longer than from one attempt to join a group to the next, on a busy machine."""


class BatchConsumer(OwnConsumer):
    """What the workers need from the consumer; `app.consumer` once Faust has started."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held: set[TP] = set()
        self._passed = PassedOffsets()
        super().__init__(*args, **kwargs)

    def create_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> ConsumerThread:
        thread: ConsumerThread = self._thread
        return thread

    @property
    def sought(self) -> Mapping[TP, int]:
        """Where reading began in this generation of the group."""
        return self.thread.chain.sought

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
        return (self.known_end(tp) or 0) > self._passed.beyond(self._with_prefix(tp), offset)

    def read_at(self, tp: tuple[str, int], offset: int) -> float:
        kafka_tp = self._with_prefix(tp)
        # The moment first: a fetch that comes in between may only move the end.
        moment, end = self.thread.moments.of(kafka_tp), self.known_end(tp)
        is_read = end is not None and end <= self._passed.beyond(kafka_tp, offset)
        return moment if is_read else NOT_FETCHED

    def fetched_at(self, tp: tuple[str, int]) -> float:
        return self.thread.moments.of(self._with_prefix(tp))

    def known_end(self, tp: tuple[str, int]) -> int | None:
        """The end of a log by the last fetch; None: unknown."""
        client = self.thread.client_or_none
        kafka_tp = aiokafka.TopicPartition(*self._with_prefix(tp))
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
        """Wait for an error for which this client will never take part in its group.

        It goes on after others: Kafka may, for example, read the group from its disk again just
        then, which aiokafka's heartbeats take for a fault that somebody has to look at.
        """
        while True:
            client = self.thread.client_or_none
            ended = membership_error(client) if client is not None else None
            if ended is not None:
                return foreign_partitions(ended) or ended
            error = awaiting_error(client) if client is not None else None
            if error is not None and is_lasting(error):
                return error
            if error is not None:
                if is_of_twin(error):
                    self.transport.twin.seen()
                self.thread.pass_over(error)
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
            polled = await super().poll(wanted, min(seconds, _POLL_SECONDS))
            # Faust polls again only once this returns: nothing moves a position meanwhile.
            if unsure := self._passed.unsure(time.monotonic()):
                self._passed.read_up_to(await self.thread.positions(unsure))
            return polled
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
        except KafkaError as error:
            if is_lasting(error) or not self.thread.is_of_group(error):
                raise
            return {}  # `refusal` sees to it.

    def as_read_on(self, polled: Any) -> Any:
        self._passed.note(polled or {})
        return super().as_read_on(polled)


class _TickProducer(OwnProducer):
    """Faust's producer, which writes only clock ticks."""

    def security(self) -> Mapping[str, Any]:
        security: Mapping[str, Any] = self.transport.options.settings.security
        return security

    async def flush(self) -> None:
        """Nobody waits for ticks. Faust would before a rebalance, while others wait for it."""


class Twin:
    """Another worker with the stable name of this one: Kafka lets the younger of them in.

    The elder waits, and joins again every second: once the other is gone, it has the name.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self._line = (
            f"another worker has joined group {settings.group_id} as {settings.group_instance_id}: "
            "this one waits for it to end; give each worker a HEADWATER_GROUP_INSTANCE_ID of its "
            "own"
        )
        self._seen_at = float("-inf")

    def seen(self) -> None:
        """Kafka has refused this worker for the other one."""
        if not self.reason():
            logging.getLogger("headwater").warning("%s", self._line)
        self._seen_at = time.monotonic()

    def reason(self) -> str:
        """What this worker waits for; empty when Kafka has not refused it for seconds."""
        return self._line if time.monotonic() - self._seen_at < _TWIN_SECONDS else ""


class BatchTransport(OwnTransport):
    """Set as `app.transport` and `app.producer_transport`."""

    Consumer = BatchConsumer
    Producer = _TickProducer

    def __init__(self, app: Any, options: ConsumerOptions) -> None:
        super().__init__([URL(url) for url in broker_urls(options.settings)], app)
        self.options = options
        self.twin = Twin(options.settings)
        self.logs = UNKNOWN_LOGS
        """What committed offsets are compared with; the worker sets it before Faust starts."""


def broker_urls(settings: CoreSettings) -> list[str]:
    """Bootstrap servers as Faust takes them: kafka://host:port."""
    return [f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")]
