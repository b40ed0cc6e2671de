"""Faust's thread around aiokafka's consumer: how it joins the group, and where it reads on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.errors import in_one_line
from streams.runtime.clients import is_cancelled, is_passing, new_consumer
from streams.runtime.faust.assignor import CoPartitionedAssignor
from streams.runtime.faust.fetch_moments import FetchMoments
from streams.runtime.faust.internals import (
    OwnConsumerThread,
    awaiting_error,
    coordinator_answer,
    fetch_beside_waiting_records,
    group_generation,
    pass_over,
    permit_resets,
    refresh_partitions,
    watch_fetches,
)
from streams.runtime.faust.read_chain import ReadChain
from streams.runtime.identity import KnownLogs, read_label
from streams.runtime.identity.position_request import PositionRequest, positions_in
from streams.settings.core import CoreSettings

_logger = logging.getLogger(__name__)

FETCH_WAIT_MS = 50
"""aiokafka has one fetch at a time per broker: a partition without fetched records waits until the
fetch for the others returns. This is the most latency that adds."""

_HEARTBEAT_MS_MAX = 3_000
"""A rebalance is noticed with a heartbeat, so that a long session must not mean rare ones."""

_REWIND_AGAIN_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 0.2
_POSITIONS_SECONDS = 5.0
_PASSED_OVER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    settings: CoreSettings
    single_partition_topics: frozenset[str]


class ConsumerThread(OwnConsumerThread):
    """Faust runs aiokafka's consumer in a thread, so heartbeats go on during long decisions."""

    _joins = 0  # attempts to join the group
    _passed_over: BaseException | None = None
    _passed_over_at = float("-inf")
    _looking: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.moments = FetchMoments()
        self.chain = ReadChain()
        self._reading = asyncio.Lock()
        self._rewinds = 0
        super().__init__(*args, **kwargs)

    def create_client(self) -> aiokafka.AIOKafkaConsumer:
        options: ConsumerOptions = self.transport.options
        settings = options.settings
        session_ms = int(settings.session_timeout_seconds * 1000)
        assignor = CoPartitionedAssignor(
            options.single_partition_topics,
            lambda: group_generation(self.client),
            self._look_again,
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

    def pass_over(self, error: BaseException) -> None:
        """Join the group anew after this error of it, which passes."""
        _logger.info("joining the group anew, after %s", in_one_line(error))
        self._passed_over, self._passed_over_at = error, time.monotonic()
        self.thread_loop.call_soon_threadsafe(pass_over, self.client)

    def is_of_group(self, error: BaseException) -> bool:
        """Whether an error that a poll has raised is a copy of one that is passed over.

        A poll raises that within a moment. One that is alike and comes later is another.
        """
        is_recent = time.monotonic() - self._passed_over_at < _PASSED_OVER_SECONDS
        passed_over = self._passed_over if is_recent else None
        awaiting = awaiting_error(self.client)
        alike = [one for one in (awaiting, passed_over) if one is not None]
        return any(type(one) is type(error) and one.args == error.args for one in alike)

    async def positions(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """What is to be polled next of these partitions, as far as they have a position here."""

        positions: Mapping[TP, int] = await self.call_thread(lambda: self._positions(tps))
        return positions

    async def _positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        client, found = self.client, {}
        for tp in client.assignment().intersection(tps):
            # Without one it would wait, or the assignment ends just now.
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(0):
                    found[tp] = await client.position(tp)
        return found

    async def read(self, active: set[TP], seconds: float, most: int) -> Any:
        return self.chain.read(await super().read(active, seconds, most))

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

    def _look_again(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(refresh_partitions(self.client))

    async def _require_partitions(self, client: aiokafka.AIOKafkaConsumer) -> None:
        """Wait until the client knows the partitions of all its topics, or the thread stops.

        When it subscribes, aiokafka asks for them once. Were Kafka away just then, it would join
        the group without them, assign nothing to anybody, and ask again after five minutes.
        """
        while not all(map(client.partitions_for_topic, client.subscription())):
            if await self.wait_for_stopped(refresh_partitions(client)):
                return
            await self.sleep(_ASK_AGAIN_SECONDS)

    # Faust names the parameters.
    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        """A poll; it finds nothing once positions are sought again.

        When a rebalance begins, Faust gives up its poll, which goes on in this thread. What that
        reads after the seek nobody gets, and nobody would read it again.
        """
        rewinds, most = self._rewinds, self.transport.options.settings.poll_records_max

        async def in_thread() -> Any:
            if rewinds != self._rewinds:
                return {}
            async with self._reading:
                if rewinds != self._rewinds:
                    return {}
                return await self.read(active_partitions or set(), timeout, most)

        return await self.call_thread(in_thread)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every partition to its committed offset, and to its beginning if there is none.

        Records that were fetched around a rebalance and dropped are read again that way. An offset
        that was committed to another log of the same name counts as none.
        """
        while True:
            self._rewinds += 1
            try:
                offsets: Mapping[TP, int] = await self.call_thread(self._rewind)
                return offsets
            except (KafkaError, TimeoutError) as error:
                if not is_passing(error):
                    raise
            except asyncio.CancelledError:
                # Of a wait inside aiokafka, perhaps: Faust would never poll again.
                if is_cancelled():
                    raise
            await asyncio.sleep(_REWIND_AGAIN_SECONDS)

    async def _rewind(self) -> Mapping[TP, int]:
        async with self._reading:
            return await self._seek()

    async def _seek(self) -> Mapping[TP, int]:
        client = self.client
        logs: KnownLogs = self.transport.logs
        name_of = self.transport.options.settings.topic_without_prefix
        committed = {}
        assigned, joins = client.assignment(), self._joins
        request = PositionRequest(self.transport.options.settings.group_id, assigned)
        known = positions_in((await coordinator_answer(client, request)).to_object())
        unread = []
        for tp in assigned:
            found, log_id = known.get(tp), logs.log_id(name_of(tp.topic))
            if found and read_label(found.metadata).fits(log_id):
                committed[tp] = found.offset
                client.seek(tp, found.offset)
            else:
                unread.append(tp)
        if unread:
            # One without a leader gets its position when it has one again, and holds up nobody.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POSITIONS_SECONDS):
                    await client.seek_to_beginning(*unread)
        self.chain.begin({**committed, **await self._positions(unread)})
        # From here on every partition has a position, or is to get its log's first. Where its log
        # no longer has that record, aiokafka would go on at the first record and say nothing. The
        # embedded broker keeps little, and its readers' lag is bounded instead. Partitions of a
        # group that is joined anew meanwhile have none yet.
        embedded = self.transport.options.settings.embedded
        permit_resets(client, embedded or joins != self._joins)
        return committed
