"""The lanes of this worker, across rebalances.

A lane survives a rebalance if its partitions stay here and this worker took part in every
generation of the group in between. Otherwise another worker may have owned it, and it is rebuilt.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from streams.errors import in_one_line
from streams.runtime.checkpoint import CheckpointError, LaneFencedError
from streams.runtime.clients import is_lasting, is_outdated, is_passing
from streams.runtime.faust.batches import PollBatch
from streams.runtime.lane import Lane, LaneSpec
from streams.runtime.recovery import RecoveryError
from streams.runtime.reports import Readiness
from streams.stages.contract import TopicPartition

LaneId = tuple[str, int]

TakeLanes = Callable[[Set[LaneId], int], Awaitable[None]]
"""Makes this worker the only one that commits for these lanes, in this generation of the group."""

RETRY_SECONDS_FIRST = 0.5
RETRY_SECONDS_MAX = 30.0
"""A lane that Kafka failed is opened again after a pause, which doubles up to this."""
_DOUBLED_MAX = 10
FENCED_MAX = 5
"""As often as this another worker may open a lane of this one without a rebalance."""
SOUND_SECONDS = 60.0
"""A lane that ran for so long had no trouble before."""
TAKE_AGAIN_SECONDS = 0.5
_REJOIN_SECONDS = 5.0
_logger = logging.getLogger(__name__)


async def no_rejoin() -> None:
    """For fleets whose rebalances come from elsewhere."""


async def all_ours(lanes: Set[LaneId], generation: int) -> None:
    """For fleets that share their lanes with nobody."""


@dataclass(frozen=True, slots=True)
class FleetKafka:
    """What a fleet asks of Kafka."""

    take: TakeLanes = all_ours
    rejoin: Callable[[], Awaitable[None]] = no_rejoin


class LaneFleet:
    """Opens, feeds, suspends and closes lanes. Everything runs on one event loop.

    Faust calls `revoked` and `assigned` in turn; `offer` may come at any time. No lane decides in a
    new generation before this worker has taken it over. A lane that Kafka failed is opened again,
    as often as it takes: `rejoin` asks for a new generation of the group, which says whether its
    partitions are still here, and has their records read again. `failure` is set, once, when a lane
    fails for another reason: the worker then has to end.
    """

    def __init__(
        self,
        specs: Sequence[LaneSpec],
        build: Callable[[LaneSpec, int], Lane],
        topic_in_kafka: Callable[[str], str],
        patience_seconds: float,
        kafka: FleetKafka | None = None,
    ) -> None:
        self._by_topic = {topic_in_kafka(name): spec for spec in specs for name in spec.inputs}
        self._names = {topic_in_kafka(name): name for spec in specs for name in spec.inputs}
        self._kafka = kafka or FleetKafka()
        self._taking: asyncio.Task[None] | None = None
        self._troubles: Counter[LaneId] = Counter()
        self._started: dict[LaneId, float] = {}
        self._by_stage = {spec.stage: spec for spec in specs}
        self._build = build
        self._patience_seconds = patience_seconds
        self._lanes: dict[LaneId, Lane] = {}
        self._tasks: dict[LaneId, asyncio.Task[None]] = {}
        self._wanted: set[LaneId] = set()
        self._generation = -1
        self._early: list[PollBatch] = []
        self._rebalancing = True
        self._watches: set[asyncio.Task[None]] = set()
        self.failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def lanes(self) -> Iterable[Lane]:
        return self._lanes.values()

    @property
    def readiness(self) -> Readiness:
        if self.failure.done():
            return Readiness(False, "a lane has failed")
        if self._rebalancing:
            return Readiness(False, "waiting for partitions")
        full = [lane.name for lane in self._lanes.values() if lane.lacks_room]
        if full:
            return Readiness(False, f"the disk of the state is full: {', '.join(full)} waits")
        closed = [f"{key[0]}-{key[1]}" for key in sorted(self._wanted) if not self._is_open(key)]
        if closed:
            return Readiness(False, f"restoring {', '.join(closed)}")
        if not self._wanted:
            return Readiness(True, "standing by: other workers have all lanes")
        return Readiness(True, f"deciding on {len(self._wanted)} lanes")

    def work(self) -> Mapping[LaneId, Lane | None] | None:
        """The lanes of this worker, as far as they are there; None: it waits for partitions."""
        wanted = sorted(self._wanted)
        return None if self._rebalancing else {key: self._lanes.get(key) for key in wanted}

    def offer(self, batch: PollBatch) -> None:
        """Queue a poll batch for its lanes.

        Batches of an earlier generation are dropped, for they are read again; those of the next
        one are kept until `assigned`.
        """
        if batch.generation > self._generation:
            self._early.append(batch)
            return
        if self._rebalancing or batch.generation != self._generation:
            return
        stage, name = self._by_topic[batch.topic].stage, self._names[batch.topic]
        for p, records in batch.by_partition.items():
            lane = self._lanes.get((stage, p))
            if lane is None:
                continue
            if name != batch.topic:
                for record in records:
                    # Read-only to stages, but aiokafka's records can be changed.
                    record.topic = name  # type: ignore[misc]
            lane.offer((name, p), records)

    async def revoked(self, patience_seconds: float | None = None) -> None:
        """Finish the checkpoints under way and decide no more.

        Lanes that do not finish in time are closed: whatever becomes of their transaction, the
        next owner fences it.
        """
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        self._rebalancing = True
        self._stop_taking()
        lanes = dict(self._lanes)
        finished = await asyncio.gather(*(lane.suspend(patience) for lane in lanes.values()))
        unfinished = [key for key, done in zip(lanes, finished, strict=True) if not done]
        await self._close(unfinished)

    async def assigned(self, tps: Iterable[TopicPartition], generation: int) -> None:
        """Keep, close and open lanes, so that there is one for each of these partitions."""
        wanted = {(self._by_topic[topic].stage, p) for topic, p in tps}
        uninterrupted = generation == self._generation + 1
        stale = set(self._lanes) - wanted if uninterrupted else set(self._lanes)
        self._wanted = wanted
        await self._close(stale)
        self._generation = generation
        self._rebalancing = False
        kept = list(self._lanes.values())
        for key in sorted(wanted - set(self._lanes)):
            self._lanes[key] = self._build(self._by_stage[key[0]], key[1])
        self._taking = asyncio.create_task(self._take(kept, generation), name="take lanes")
        early, self._early = self._early, []
        for batch in early:
            self.offer(batch)

    async def close(self, patience_seconds: float | None = None) -> None:
        """Finish the checkpoints under way, within this time, and close every lane."""
        for watch in self._watches:
            watch.cancel()
        await self.revoked(patience_seconds)
        self._wanted = set()
        await self._close(list(self._lanes))

    def _is_open(self, key: LaneId) -> bool:
        lane = self._lanes.get(key)
        return lane is not None and lane.is_open

    async def _take(self, kept: Sequence[Lane], generation: int) -> None:
        """Take the lanes over, as often as it takes, and let them decide."""
        while True:
            try:
                await self._kafka.take(self._wanted, generation)
                break
            except Exception as error:
                if self._is_past(generation):
                    return  # Once more, it would take them from whoever takes them now.
                if not _may_pass(error):
                    self._fail(error)
                    return
                _logger.info("lanes are not taken over yet: %s", in_one_line(error))
                if is_outdated(error):
                    # Whom the labels name by now may be the rightful owner: join, then fence.
                    await self._ask_to_rejoin()
                    await asyncio.sleep(2 * self._patience_seconds)
                else:
                    await asyncio.sleep(TAKE_AGAIN_SECONDS)
        if self._is_past(generation):
            return
        for lane in kept:
            lane.resume()
        for key in sorted(set(self._lanes) - set(self._tasks)):
            self._start(key)

    def _is_past(self, generation: int) -> bool:
        """Whether whoever takes lanes for it was told to end, which aiokafka may have swallowed."""
        return self._rebalancing or generation != self._generation

    def _stop_taking(self) -> None:
        taking, self._taking = self._taking, None
        if taking is not None:
            taking.cancel()

    def _start(self, key: LaneId) -> None:
        lane = self._lanes[key]
        self._started[key] = asyncio.get_running_loop().time()
        task = self._tasks[key] = asyncio.create_task(lane.run(), name=f"lane {lane.name}")
        task.add_done_callback(lambda done: self._ended(key, lane, done))

    async def _close(self, keys: Iterable[LaneId]) -> None:
        tasks = []
        for key in keys:
            self._lanes.pop(key, None)
            task = self._tasks.pop(key, None)
            if task is not None:
                task.cancel()
                tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: LaneId, lane: Lane, task: asyncio.Task[None]) -> None:
        if self._lanes.get(key) is not lane:
            return  # The fleet has closed it.
        error = _error_of(task)
        is_fenced = isinstance(error, LaneFencedError)
        if asyncio.get_running_loop().time() - self._started[key] > SOUND_SECONDS:
            self._troubles[key] = 0
        self._troubles[key] += 1
        if _may_pass(error) and not (is_fenced and self._troubles[key] > FENCED_MAX):
            _logger.info("lane %s is opened again: %s", lane.name, in_one_line(error))
            self._lanes.pop(key)
            self._tasks.pop(key)
            # Fenced: most likely the group rebalances, and this worker does not know it yet.
            longer = 2 * self._patience_seconds
            pause = longer if is_fenced else pause_before(self._troubles[key])
            watch = asyncio.create_task(self._open_again(key, self._generation, pause))
            self._watches.add(watch)
            watch.add_done_callback(self._watches.discard)
        else:
            error.add_note(f"lane {lane.name}")
            self._fail(error)

    async def _open_again(self, key: LaneId, generation: int, pause: float) -> None:
        await asyncio.sleep(pause)
        while self._generation == generation and key in self._wanted and key not in self._lanes:
            await self._ask_to_rejoin()
            await asyncio.sleep(2 * self._patience_seconds)

    async def _ask_to_rejoin(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_REJOIN_SECONDS):
                await self._kafka.rejoin()

    def _fail(self, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_result(error)


def pause_before(trouble: int) -> float:
    """Seconds until a lane is opened again after so many failures in a row."""
    return min(RETRY_SECONDS_FIRST * (1 << min(trouble, _DOUBLED_MAX)), RETRY_SECONDS_MAX)


def _error_of(task: asyncio.Task[None]) -> BaseException:
    """Why a lane has ended that nobody has closed."""
    if task.cancelled():
        return CheckpointError("a wait of the lane was cut short")
    return task.exception() or RuntimeError("the lane ended without an error")


def _may_pass(error: BaseException) -> bool:
    """Whether opening the lane again may help."""
    is_kafka = isinstance(error, (CheckpointError, RecoveryError)) or is_passing(error)
    return is_kafka and not is_lasting(error)
