"""The core worker: the lanes that the agents of its Faust app feed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Set
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from streams.kafka.broker_watch import BrokerWatch
from streams.kafka.connection_fault import connection_fault
from streams.runtime import ticks
from streams.runtime.checkpoint import LogOptions, no_announcement, no_label
from streams.runtime.faust.app import report, run_faust, silence_libraries
from streams.runtime.faust.batches import PollBatch
from streams.runtime.faust.transport import Twin
from streams.runtime.fleet import FleetKafka, LaneFleet, LaneId
from streams.runtime.identity import UNKNOWN_LOGS
from streams.runtime.identity.lane_origin import LaneOrigin
from streams.runtime.identity.log_watch import LogWatch
from streams.runtime.lane import Lane, LaneParts, LaneSpec
from streams.runtime.offsets import Offsets
from streams.runtime.pacing.lead import lead_of_lanes
from streams.runtime.pacing.log_pace import UNPACED, LogPace, ReadingPace
from streams.runtime.recovery import reread
from streams.runtime.reports import LaneObserver, LoggedReason, Readiness
from streams.runtime.snapshots import SnapshotReader
from streams.runtime.state import MemoryStore, RocksStore, StateStore
from streams.runtime.ticks import ProducersTime, wall_clock_ms
from streams.runtime.transactions import LaneLog, StageLogs, successions, take_over
from streams.settings.core import CoreSettings
from streams.stages.common.working_set import stored_due, stored_expiry
from streams.stages.contract import CLOCK_KEY, TopicPartition
from streams.worker.partition_counts import PartitionCounts, SetupError, partition_counts
from streams.worker.surroundings import Stages, Surroundings, numbered_stages
from streams.worker.watches.leaders import Leaders
from streams.worker.watches.source_ends import SourceEnds
from streams.worker.watches.standstill import GROUP, StandstillWatch, Work

_FAILED_STOP_SECONDS = 20.0
"""How long Faust may take to stop after a failure; on request, HEADWATER_STOP_TIMEOUT applies."""

_AWAY_STOP_SECONDS = 3.0
"""The same while no broker answers."""

WAITING_SECONDS = 4.0
"""A checkpoint that waits longer for Kafka makes the worker not ready."""


class CoreWorker:
    """A Faust app, the lanes that its agents feed, and their connections to Kafka.

    Order of calls: `open`, then Faust runs `app`, then `close`, also when `open` failed. `run_core`
    does all of it.
    """

    def __init__(self, settings: CoreSettings, stages: Stages, around: Surroundings) -> None:
        self.settings = settings
        self.specs = around.specs
        self.offsets = Offsets(settings)
        self.snapshots = around.snapshots or SnapshotReader(settings)
        self.watch = BrokerWatch(settings.client())
        self.fleet: LaneFleet | None = None
        self._logs = StageLogs(settings, ())
        self._stages = stages
        self._observer = around.observer or LaneObserver()
        self._partitions = PartitionCounts(0, 0)
        topics = [name for spec in self.specs for name in (*spec.inputs, spec.changelog) if name]
        self.leaders = Leaders(settings, self.offsets, topics)
        self.log_watch = LogWatch(UNKNOWN_LOGS, self.leaders.look)
        self._beside = around.beside
        self._admission, self._source_logs = around.admission, around.source_logs
        self._waits_for = ""
        self.standstill = StandstillWatch(self._work, self._observer, self.leaders)
        self.app = around.app(settings, self._offer)
        self._twin: Twin = self.app.transport.twin
        self.source_ends = SourceEnds(lambda tp: self.app.consumer.known_end(tp))
        self._pace: ReadingPace = UNPACED
        if lead_ms := settings.catch_up_lead_ms:
            self._pace = LogPace(self._lanes, wall_clock_ms, lead_ms)
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.on_partitions_assigned.connect(self._on_assigned)

    @property
    def readiness(self) -> Readiness:
        """Ready once partitions are assigned, every lane is restored and no rebalance is on."""
        if self.fleet is None:
            return Readiness(False, "starting")
        if logged := self.watch.fault or self._twin.reason() or self.standstill.reason:
            return Readiness(False, LoggedReason(logged))
        if self._waits_for:
            return Readiness(False, self._waits_for)
        ready = self.fleet.readiness
        if ready.is_ready and self._is_waiting():
            reason = "Kafka does not take this worker's checkpoints"
            return Readiness(False, LoggedReason(reason) if self.watch.is_recovering else reason)
        if not ready.is_ready and self.watch.is_recovering:
            return Readiness(False, LoggedReason(ready.reason))
        return self.leaders.beside(ready)

    def _work(self) -> Work:
        """What has to be done, unless something is waited for that is told elsewhere."""
        waits = self.watch.fault or self._waits_for or self._twin.reason()
        if self.fleet is None or waits or self.settings.embedded:
            return {}
        lanes = self.fleet.work()
        if lanes is None:
            return {GROUP: None}
        return {f"{stage}-{p}": lane for (stage, p), lane in lanes.items()}

    def _is_waiting(self) -> bool:
        """Whether Kafka has not taken a checkpoint for seconds."""
        return self._logs.waiting_seconds > WAITING_SECONDS

    def is_well(self) -> bool:
        """Whether every lane is at work."""
        return self.fleet is not None and self.fleet.readiness.is_ready and not self._is_waiting()

    async def open(self) -> LaneFleet:
        """Connect and check the topics; SetupError when the broker or a topic is missing."""
        try:
            await self.offsets.start()
            if any(spec.reads_models for spec in self.specs):
                await self.snapshots.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise SetupError(await connection_fault(self.settings.client(), error)) from error
        self._partitions = await partition_counts(
            self.offsets, (*self.specs, *self._beside), self.settings
        )
        self.offsets.logs = self.app.transport.logs = await self.leaders.look()
        look, note = self.leaders.look, self.source_ends.note
        self.log_watch = LogWatch(self.offsets.logs, look, unchanged=note)
        if self._source_logs is not None:
            numbers = await self._source_logs(self.settings, self.offsets.logs)
            self._stages = numbered_stages(self._stages, numbers)
        await self.offsets.require(name for spec in self.specs for name in spec.inputs)
        stages = [spec.stage for spec in self.specs]
        self._logs = StageLogs(self.settings, stages, self._log_options())
        self.fleet = LaneFleet(
            self.specs,
            self._lane,
            self.settings.topic,
            self.settings.session_timeout_seconds / 2,
            FleetKafka(self._take, lambda: self.app.consumer.rejoin()),
        )
        return self.fleet

    async def run_app(self) -> None:
        """Run Faust, once the group admits this worker."""
        if self._admission is not None:
            async for reason in self._admission(self.settings):
                self._waits_for = reason
            self._waits_for = ""
        await run_faust(self.app)

    async def _take(self, lanes: Set[LaneId], generation: int) -> None:
        specs = {spec.stage: spec for spec in self.specs}
        inputs = {(stage, p): specs[stage].partitions(p) for stage, p in lanes}

        async def fence_others(owners: Mapping[str, str]) -> None:
            # The embedded broker ends with its worker, and stores no label.
            if not self.settings.embedded:
                taken = successions(inputs, owners)
                claims = await take_over(self.settings, self.offsets, taken)
                await self.app.consumer.claim(claims, generation)

        await self._logs.begin({stage for stage, _ in lanes}, fence_others)

    async def close(self) -> None:
        await self._logs.close()
        if not self.watch.fault:
            await self.source_ends.keep(self.settings, self.offsets.logs, self.leaders.look)
        await self.snapshots.stop()
        await self.offsets.stop()

    async def send_tick(self, tp: TopicPartition, time_ms: int | None = None) -> None:
        """Write a clock tick to a source partition and wait for the broker.

        Without a time the producer's clock is sent; a topic with append time ignores either.
        """
        # Faust cuts seconds down to milliseconds: half of one more keeps them whole.
        seconds = None if time_ms is None else (time_ms + 0.5) / 1000
        await self.app.producer.send_and_wait(
            self.settings.topic(tp[0]), CLOCK_KEY, b"", tp[1], seconds, None
        )

    def ticking(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What keeps log time going where nothing is published, and looks after the snapshots."""
        lanes = self.source_ends.lanes = self._lanes
        if self.settings.ticks:
            yield ticks.send_ticks(lanes, self.send_tick)
        if self.settings.stamped_ticks:
            yield ticks.send_stamped_ticks(lanes, self.send_tick, ProducersTime())
        yield self.snapshots.watch()
        is_append_time, sources = self.settings.ticks, self._partitions.sources
        yield ticks.pass_on_reads(lanes, is_append_time)
        yield ticks.send_awaited_ticks(lanes, sources, self.send_tick, is_append_time)

    def _lanes(self) -> Iterable[Lane]:
        return self.fleet.lanes if self.fleet else ()

    def _offer(self, batch: PollBatch) -> None:
        assert self.fleet is not None, "lanes are opened before Faust starts"
        self.fleet.offer(batch)

    async def _on_revoked(self, app: Any, revoked: set[TP], **_: Any) -> None:
        assert self.fleet is not None, "lanes are opened before Faust starts"
        await self.fleet.revoked()

    async def _on_assigned(self, app: Any, assigned: set[TP], **_: Any) -> None:
        assert self.fleet is not None, "lanes are opened before Faust starts"
        await self.fleet.assigned(assigned, self.app.consumer_generation_id)

    def _lane(self, spec: LaneSpec, p: int) -> Lane:
        settings = self.settings
        # The embedded broker drops old messages, changelogs too, and ends with its process.
        keeps_state = spec.changelog is not None and not settings.embedded
        changelog = (spec.changelog or "", p) if keeps_state else None
        origin = LaneOrigin(settings, self.offsets, changelog)
        label = no_label if settings.embedded else origin.label
        parts = LaneParts(
            stage=lambda stage, number: self._stages(stage, number, *self._partitions),
            log=LaneLog(self._logs.of(spec.stage), changelog, label),
            store=lambda: self._store(spec, p),
            restore=origin.restore,
            positions=origin.positions,
            flow=self.app.consumer,
            snapshots=self.snapshots,
            observer=self._observer,
            reread=lambda stretch: reread(settings, stretch),
            pace=self._pace if spec.is_source else UNPACED,
        )
        return Lane(spec, p, parts, settings.batch)

    def _store(self, spec: LaneSpec, p: int) -> StateStore:
        folder = self.settings.state_folder
        if folder is None or spec.changelog is None or self.settings.embedded:
            return MemoryStore(stored_expiry)
        where = folder / spec.stage / str(p)
        if spec.single_partition:
            return RocksStore(where)  # The parts of learners expire by no time of the log.
        return RocksStore(where, stored_expiry, stored_due)

    def _log_options(self) -> LogOptions:
        # All lanes of all stages may write to one partition.
        lanes = self._partitions.stages * len(self.specs)
        return LogOptions(
            new_lead=lead_of_lanes(self.settings.lead, self.offsets.committed_by_readers, lanes),
            announce=self._announce if self.settings.embedded else no_announcement,
            observer=self._observer,
        )

    async def _announce(self, positions: Mapping[TopicPartition, int]) -> None:
        topic = self.settings.topic
        await self.app.consumer.announce({(topic(t), p): at for (t, p), at in positions.items()})


async def run_core(worker: CoreWorker, stop: asyncio.Event) -> int:
    """Run until `stop` is set (exit code 0) or something fails (one line on stderr, code 1)."""
    silence_libraries()
    try:
        fleet = await worker.open()
        return await _serve(worker, fleet, stop)
    except Exception as error:
        return report(error)
    finally:
        await worker.close()


async def _serve(worker: CoreWorker, fleet: LaneFleet, stop: asyncio.Event) -> int:
    app = worker.app
    stopping = asyncio.create_task(stop.wait())
    tasks = [asyncio.create_task(worker.log_watch.run()), asyncio.create_task(worker.run_app())]
    tasks += [asyncio.create_task(ticking) for ticking in worker.ticking()]
    tasks.append(asyncio.create_task(worker.watch.run(worker.is_well)))
    tasks.append(asyncio.create_task(worker.standstill.run()))
    try:
        waited: list[asyncio.Future[Any]] = [fleet.failure, stopping, *tasks]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        failures = [task.exception() for task in tasks if task.done()]
        if fleet.failure.done():
            failures.insert(0, fleet.failure.result())
        return report(failures[0]) if failures else 0
    finally:
        loop = asyncio.get_running_loop()
        seconds = worker.settings.stop_seconds if stop.is_set() else _FAILED_STOP_SECONDS
        # Without a broker no checkpoint can be finished; the next start finds out what it had.
        seconds = _AWAY_STOP_SECONDS if worker.watch.fault else seconds
        deadline = loop.time() + seconds
        # On the embedded broker a checkpoint may wait for readers that are stopping as well.
        is_patient = stop.is_set() and not worker.settings.embedded and not worker.watch.fault
        await fleet.close(seconds if is_patient else 0.0 if worker.watch.fault else None)
        for task in [stopping, *tasks]:
            task.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(app.stop(), max(1.0, deadline - loop.time()))
