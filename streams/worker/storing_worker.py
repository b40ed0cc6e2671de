"""The storing worker: the sink that the agent of its Faust app feeds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import aiokafka
from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.topics import ATTRIBUTIONS
from streams.agents import storing_app
from streams.errors import Stop
from streams.kafka.broker_watch import BrokerWatch
from streams.kafka.connection_fault import connection_fault
from streams.runtime.clients import is_passing
from streams.runtime.faust.batches import PollBatch
from streams.runtime.faust.read_chain import DeliveryGuard
from streams.runtime.identity import UNKNOWN_LOGS, KnownLogs, PositionLabel
from streams.runtime.identity.log_watch import LogChangedError, LogWatch
from streams.runtime.offsets import LostRecordsError, Offsets
from streams.runtime.reports import LoggedReason, Readiness
from streams.settings.storing import StoringSettings
from streams.stages.contract import TopicPartition
from streams.store.base import UnavailableError
from streams.store.cohorts import CohortKeeper
from streams.store.log_epochs import BOUND_TOPICS, bind_epochs
from streams.store.migrations import require_usable
from streams.store.reading import Readable
from streams.store.sink.commits import RETRY_SECONDS, commit
from streams.store.sink.pulse import Pulse
from streams.store.sink.ripeness import seal_bounds
from streams.store.sink.sink import Sink, SinkParts, TableSink
from streams.store.sink.storing_observer import StoringObserver
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLE_OF_TOPIC
from streams.wiring.store import open_target
from streams.worker.report_requests import report_requests
from streams.worker.watches.leaders import Leaders
from streams.worker.watches.standstill import ENDS_SECONDS, GROUP, StandstillWatch, Work
from streams.worker.watches.table_work import TableWork, assign, works_of

SERVER_THREADS = 4  # inserts at once on a server; chdb takes one at a time


class Closing(Protocol):
    """Something to close before the store."""

    def close(self) -> None:
        """Blocks until it has ended."""


class StoringWorker:
    """A Faust app, the sink that its agent feeds, and the store behind it.

    Order of calls: `open`, then Faust runs `app`, then `close`, also when `open` failed. `beat` has
    to run all the time, so that a worker whose event loop stalls stops inserting.
    `streams.worker.storing` does all of it.
    """

    def __init__(
        self,
        settings: StoringSettings,
        observer: StoringObserver | None = None,
        serve: Callable[[Readable], Closing] | None = None,
    ) -> None:
        """`serve`: opens the store to other processes while this one has it."""
        self.settings = settings
        self._serve = serve
        self._served: Closing | None = None
        self.cohorts: CohortKeeper | None = None  # from `open` on
        self.app = storing_app(settings, self._offer)
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.on_partitions_assigned.connect(self._on_assigned)
        self._observer = observer or StoringObserver()
        self._pulse = Pulse(settings.session_timeout_seconds * 0.8)
        self._sink: Sink | None = None
        self._store: Readable | None = None
        self._generation = -1
        self._early: list[PollBatch] = []
        self._assigned: set[TP] = set()
        self._is_rebalancing = True
        self._delivery = DeliveryGuard(self._observer.on_undelivered)
        self._reading_again: asyncio.Task[None] | None = None
        self._waits_for = "starting"
        self._offsets = Offsets(settings.kafka())
        self._leaders = Leaders(settings.kafka(), self._offsets, BOUND_TOPICS)
        self._log_watch = LogWatch(UNKNOWN_LOGS, self._leaders.look)
        self._table_works: Mapping[str, TableWork] = {}
        self.standstill = StandstillWatch(
            self._work, self._observer, self._leaders, is_due=TableWork.is_due,
            ends_seconds=max(ENDS_SECONDS, 2 * settings.store.timeout_seconds),
        )  # fmt: skip
        self._checking: asyncio.Task[None] | None = None
        self.watch = BrokerWatch(settings.kafka().client())
        self.failure: asyncio.Future[BaseException] | None = None  # from `open` on
        threads = 1 if settings.store.url is None else SERVER_THREADS
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="storing")

    @property
    def readiness(self) -> Readiness:
        """Ready once partitions are assigned and the store accepts rows."""
        if self._waits_for:
            return Readiness(False, self._waits_for)
        if logged := self.watch.fault or self.standstill.reason:
            return Readiness(False, LoggedReason(logged))
        if self._is_rebalancing:
            waiting = "waiting for partitions"
            return Readiness(False, LoggedReason(waiting) if self.watch.is_recovering else waiting)
        if self._sink is not None and self._sink.outage:
            return Readiness(False, self._sink.outage)
        return self._leaders.beside(Readiness(True, f"storing {len(self._assigned)} partitions"))

    def _work(self) -> Work:
        """What has to be done, unless something is waited for that is told elsewhere."""
        if self.watch.fault or self._waits_for or self.settings.embedded:
            return {}
        if self._is_rebalancing:
            return {GROUP: None}
        return {f"storing {topic}": one for topic, one in self._table_works.items()}

    async def open(self) -> Sink:
        """Connect and check; Stop if a topic or table is wrong. Waits for a store that is down."""
        self.failure = asyncio.get_running_loop().create_future()
        try:
            await self._offsets.start()
            logs = await self._require_topics()
        except (KafkaError, OSError, TimeoutError) as error:
            raise Stop(await connection_fault(self.settings.kafka().client(), error)) from error
        self._store, epochs = await self._open_store(logs)
        self._served = self._serve(self._store) if self._serve else None
        self.cohorts = CohortKeeper(self._store, self._threads, self._is_keeper)
        parts = SinkParts(self._threads, self._commit, self._observer, confirm=self._confirm)
        tables = {
            topic: TableSink(
                TableWriter(self._store, table, epochs[topic], self._pulse.require),
                seal_bounds(self.settings, table),
                parts,
            )
            for topic, table in TABLE_OF_TOPIC.items()
        }
        self._sink = Sink(tables, self.settings.buffer, self._hold, parts, self._hold_topic)
        self._table_works = works_of(self._sink, lambda tp: self.app.consumer.fetched_at(tp))
        self._waits_for = ""
        return self._sink

    def is_well(self) -> bool:
        """Whether partitions are assigned."""
        return not self._waits_for and not self._is_rebalancing

    async def beat(self) -> None:
        """Show the sink that the event loop turns, until cancelled."""
        while True:
            self._pulse.beat()
            await asyncio.sleep(self.settings.session_timeout_seconds / 20)

    async def watch_logs(self) -> None:
        """Fail once the topics are no longer the logs that this worker started with."""
        await self._log_watch.run()

    async def watch_requests(self) -> None:
        """Report requests to be forgotten that wait, until cancelled."""
        assert self._store is not None, "open() comes first"
        await report_requests(self._store, self._threads, self._observer)

    async def close(self) -> None:
        for task in (self._checking, self._reading_again):
            if task is not None:
                task.cancel()
        await self._offsets.stop()
        if self._served is not None:
            self._served.close()
        self._threads.shutdown(wait=True)
        if self._store is not None:
            self._store.close()

    def _is_keeper(self) -> bool:
        """Of several storing workers one keeps the cohorts: it has the first of all decisions."""
        return TP(self.settings.topic_prefix + ATTRIBUTIONS.name, 0) in self._assigned

    def _offer(self, batch: PollBatch) -> None:
        """Drop batches of an earlier generation, which are read again; keep those of the next."""
        if batch.generation > self._generation:
            self._early.append(batch)
        elif batch.generation == self._generation and not self._is_rebalancing:
            assert self._sink is not None, "the sink is opened before Faust starts"
            topic = batch.topic.removeprefix(self.settings.topic_prefix)
            sought = self.app.consumer.sought
            for partition, records in batch.by_partition.items():
                if self._delivery.admits(TP(batch.topic, partition), records, sought):
                    self._sink.offer(topic, partition, records)
                elif self._reading_again is None or self._reading_again.done():
                    self._reading_again = asyncio.create_task(self._read_again(self._generation))

    async def _read_again(self, generation: int) -> None:
        """Ask for a new generation of the group, in which reading begins at committed offsets."""
        while generation == self._generation:
            with contextlib.suppress(KafkaError):
                await self.app.consumer.rejoin()
            await asyncio.sleep(self.settings.session_timeout_seconds)

    async def _on_revoked(self, app: Any, revoked: set[TP], **_: Any) -> None:
        assert self._sink is not None, "the sink is opened before Faust starts"
        self._is_rebalancing = True
        # An insert under way has to end before the next owner looks up what is stored.
        await self._sink.forget(self.settings.store.timeout_seconds + RETRY_SECONDS)

    async def _on_assigned(self, app: Any, assigned: set[TP], **_: Any) -> None:
        assert self._sink is not None, "the sink is opened before Faust starts"
        await self._sink.forget(0.0)
        self._assigned = set(assigned)
        tps = [(tp.topic.removeprefix(self.settings.topic_prefix), tp.partition) for tp in assigned]
        assign(self._table_works, tps)
        self._generation = self.app.consumer_generation_id
        self._delivery.begin()
        self._is_rebalancing = False
        if self._checking is not None:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._require_whole(tps))
        early, self._early = self._early, []
        for batch in early:
            self._offer(batch)

    async def _require_whole(self, tps: Sequence[TopicPartition]) -> None:
        """Fail if a log begins after our next offset: Kafka would skip the gap without an error."""
        assert self.failure is not None, "open() comes first"
        while True:
            try:
                await self._offsets.positions(tps)
                return
            except (LostRecordsError, KafkaError) as error:
                if not is_passing(error):
                    if not self.failure.done():
                        self.failure.set_result(error)
                    return
                await asyncio.sleep(RETRY_SECONDS)

    def _hold(self, is_held: bool) -> None:
        act = self.app.consumer.hold if is_held else self.app.consumer.release
        act(self._assigned)

    def _hold_topic(self, topic: str, is_held: bool) -> None:
        name = self.settings.topic_prefix + topic
        act = self.app.consumer.hold if is_held else self.app.consumer.release
        act({tp for tp in self._assigned if tp.topic == name})

    async def _commit(self, topic: str, next_offsets: Mapping[int, int]) -> None:
        generation = self._generation
        name = self.settings.topic_prefix + topic
        label = PositionLabel(log=self._offsets.logs.log_id(topic)).text()
        offsets = {aiokafka.TopicPartition(name, p): (at, label) for p, at in next_offsets.items()}
        await commit(
            self.app.consumer,
            offsets,
            lambda: generation == self._generation and not self._is_rebalancing,
        )

    async def _confirm(self, since: float) -> None:
        try:
            await self._log_watch.confirm(since)
        except LogChangedError as error:
            # The batch is of another log than its table's epoch says: it must not be stored.
            assert self.failure is not None, "open() comes first"
            if not self.failure.done():
                self.failure.set_result(error)
            await asyncio.Event().wait()

    async def _require_topics(self) -> KnownLogs:
        for name in TABLE_OF_TOPIC:
            if not await self._offsets.partitions(name):
                raise Stop(f"topic {name} does not exist: run `headwater migrate`")
        self._offsets.logs = self.app.transport.logs = logs = await self._leaders.look()
        self._log_watch = LogWatch(logs, self._leaders.look)
        await self._offsets.require(TABLE_OF_TOPIC)
        return logs

    async def _open_store(self, logs: KnownLogs) -> tuple[Readable, dict[str, str]]:
        """The store, and the log epoch of each topic's rows."""
        loop = asyncio.get_running_loop()
        silence_seconds = self.settings.session_timeout_seconds / 2
        store = await loop.run_in_executor(
            self._threads, open_target, self.settings.store, silence_seconds
        )
        ids = {topic: logs.log_id(topic) for topic in BOUND_TOPICS}
        while True:
            try:
                await loop.run_in_executor(self._threads, require_usable, store)
                return store, await loop.run_in_executor(
                    self._threads, bind_epochs, store, self.settings.epoch, ids
                )
            except UnavailableError as error:
                self._waits_for = str(error)
                await asyncio.sleep(RETRY_SECONDS)
            except BaseException:
                store.close()
                raise
