"""Another partition count: the source topics are read again into a new generation of topics.

State is kept by partition, and so is everything between the stages; what it follows from is in the
source topics. So workers of a new generation read them from their beginning, into topics, groups,
state and a store of their own, beside the workers of the present one, which go on. The source
topics stay as they are, with the partitions they have. Whatever is interrupted goes on where the
consumer groups of the new generation stand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import topics
from streams.errors import Stop
from streams.kafka.caught_up import caught_up
from streams.kafka.topics import admin, find_topics
from streams.progress import Progress
from streams.runtime.offsets import Offsets
from streams.settings import Settings, read_settings
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition
from streams.wiring.parts import core_settings

LOOK_SECONDS = 1.0
LIVE_LAG_SECONDS = 3.0
"""While producers write, there is no moment at which all is read: being so close is enough."""
LIVE_LOOKS = 3
_DECIDED = (topics.MATCH.name, topics.JOURNEYS.name)
_STORED = tuple(topic.name for topic in topics.OUTCOMES)
_NOT_FOR_CHILDREN = ("HEADWATER_GROUP_INSTANCE_ID",)


@dataclass(frozen=True, slots=True)
class RekeyPlan:
    """What a re-keying works with."""

    environ: Mapping[str, str]
    """The environment of its workers, and, but for the metrics port, of those that follow."""
    changed: Mapping[str, str]
    """The settings in which the new generation differs."""
    events: int  # in the source topics when it began, ticks included
    settings: Settings


@dataclass(frozen=True, slots=True)
class RekeyReport:
    events: int
    seconds: float
    settings: Mapping[str, str]  # to run the new generation with

    @property
    def as_json(self) -> dict[str, object]:
        return {
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "events_per_second": round(self.events / max(self.seconds, 0.1)),
            "settings": dict(self.settings),
        }


def plan_rekeying(
    settings: Settings,
    partitions: int,
    into: str,
    environ: Mapping[str, str],
    *,
    accepts_loss: bool = False,
) -> RekeyPlan:
    """What to run, once it is sure that the source topics hold everything.

    `into` names the store of the new generation: a URL of ClickHouse or a folder. Stop: there is no
    broker, nothing to change, or, unless it is accepted, events that only the state remembers.
    """
    kafka = settings.kafka
    if kafka.brokers is None or kafka.is_in_process:
        raise Stop("HEADWATER_KAFKA is not set: the embedded broker keeps no log to read again")
    store = "HEADWATER_CLICKHOUSE" if "://" in into else "HEADWATER_DATA"
    changed = {
        "HEADWATER_PARTITIONS": str(partitions),
        "HEADWATER_GENERATION": str(kafka.generation + 1),
        store: into,
    }
    kept = {key: value for key, value in environ.items() if key not in _NOT_FOR_CHILDREN}
    wanted = {**kept, **changed, "HEADWATER_METRICS_PORT": "0"}
    planned = read_settings(wanted)
    if _store_of(planned) == _store_of(settings):
        raise Stop(f"--into {into} is the store in use: name a new database or folder")
    events = asyncio.run(_examine(settings, partitions, accepts_loss=accepts_loss))
    return RekeyPlan(wanted, changed, events, planned)


def _store_of(settings: Settings) -> str:
    url = settings.store.url
    return url.reveal() if url else str(settings.folders.store.resolve())


async def _examine(settings: Settings, partitions: int, *, accepts_loss: bool) -> int:
    """The number of records in the source topics."""
    kafka = settings.kafka
    names = [topic.name for topic in topics.INTERNAL if not topic.single_partition]
    async with admin(kafka) as client:
        found = await find_topics(client, [kafka.own_prefix + name for name in names])
    has_them = {topic.partitions for topic in found.values()} == {partitions}
    async with _asking(core_settings(settings)) as offsets:
        if has_them and not await _are_regrown(offsets, names):
            raise Stop(f"all topics have {partitions} partitions already: nothing is to re-key")
        sources = await _partitions_of(offsets, [topic.name for topic in topics.SOURCES])
        first, end = await offsets.first(sources), await offsets.high_watermark(sources)
    lost = {tp: offset for tp, offset in first.items() if offset}
    if lost and not accepts_loss:
        topic, p = min(lost)
        raise Stop(
            f"{sum(lost.values())} events are gone from the source topics ({topic}-{p} begins at "
            f"offset {lost[topic, p]}), and what only they said is in the present state alone: "
            "--accept-loss goes on without them"
        )
    return sum(end.values()) - sum(first.values())


async def _are_regrown(offsets: Offsets, names: Sequence[str]) -> bool:
    """Whether the topics had other partitions when their state was made."""
    offsets.logs = await offsets.known_logs(names)
    return bool(await offsets.regrown(await _partitions_of(offsets, names)))


class Rekeying:
    """Follows the workers of a new generation until they have read what there is."""

    def __init__(
        self,
        plan: RekeyPlan,
        advance: Progress,
        require_all: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """`require_all` raises Stop when a worker has ended; `say` takes a line now and then."""
        self._core = core_settings(plan.settings)
        self._groups = {
            role: plan.settings.kafka.consumer_group(role) for role in ("core", "storing")
        }
        self._plan = plan
        self._advance = advance
        self._require_all = require_all
        self._estimate = Estimate(say)
        self._live = LiveLag()

    async def run(self) -> RekeyReport:
        """Wait until the source topics are read, and all that follows is decided and stored."""
        began = time.monotonic()
        sources = [topic.name for topic in topics.SOURCES]
        async with _asking(self._core) as offsets:
            ends = await offsets.high_watermark(await _partitions_of(offsets, sources))
            await _until(lambda: self._is_read(offsets, ends))
            decided = (*sources, *_DECIDED)
            await _until(lambda: self._is_settled(offsets, "decide", "core", decided))
            await _until(lambda: self._is_settled(offsets, "store", "storing", _STORED))
        return RekeyReport(self._plan.events, time.monotonic() - began, self._plan.changed)

    async def _is_read(self, offsets: Offsets, ends: Mapping[TopicPartition, int]) -> bool:
        done, total = await self._standing(offsets, "read", "core", ends), sum(ends.values())
        self._estimate.note(done, total, time.monotonic())
        return done >= total

    async def _is_settled(
        self, offsets: Offsets, step: str, role: str, names: Sequence[str]
    ) -> bool:
        """Whether a group has read everything, or is as close as it gets while others write."""
        ends = await offsets.high_watermark(await _partitions_of(offsets, names))
        done = await self._standing(offsets, step, role, ends)
        if await caught_up(self._core.bootstrap_servers, self._groups[role], names, self._core):
            return True
        return self._live.is_small(done, sum(ends.values()), time.monotonic())

    async def _standing(
        self, offsets: Offsets, step: str, role: str, ends: Mapping[TopicPartition, int]
    ) -> int:
        """How many of the records before these ends a group has read."""
        self._require_all()
        done = await offsets.committed(self._groups[role], list(ends))
        read = sum(min(done.get(tp, 0), end) for tp, end in ends.items())
        self._advance(step, read, sum(ends.values()))
        return read


class Estimate:
    """Says how long reading will take, at every tenth of it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._first: tuple[int, float] | None = None
        self._tenth = -1

    def note(self, done: int, total: int, now: float) -> None:
        """What is read at monotonic `now`."""
        first = self._first = self._first or (done, now)
        tenth = 10 * done // max(total, 1)
        if done <= first[0] or tenth <= self._tenth or done >= total:
            return
        self._tenth = tenth
        left = (total - done) * (now - first[1]) / (done - first[0])
        self._say(f"read {done} of {total} records; about {_duration(left)} left")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class LiveLag:
    """Whether a group is as close to the end as it gets while others go on writing."""

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self._looks = 0

    def is_small(self, done: int, end: int, now: float) -> bool:
        """Whether, several looks in a row, it lacked what is written in a few seconds at most."""
        before, self._before = self._before, (end, now)
        if before is None or end <= before[0] or now <= before[1]:
            self._looks = 0
            return False
        a_second = (end - before[0]) / (now - before[1])
        self._looks = self._looks + 1 if end - done <= LIVE_LAG_SECONDS * a_second else 0
        return self._looks >= LIVE_LOOKS


async def _until(is_true: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await is_true():
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _partitions_of(offsets: Offsets, names: Sequence[str]) -> list[TopicPartition]:
    return [(name, p) for name in names for p in range(await offsets.partitions(name))]


@asynccontextmanager
async def _asking(core: CoreSettings) -> AsyncIterator[Offsets]:
    """Offsets that are connected within the block."""
    offsets = Offsets(core)
    await offsets.start()
    try:
        yield offsets
    finally:
        await offsets.stop()
