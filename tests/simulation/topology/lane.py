"""One stage for one partition number, as `runtime.lane.Lane` runs it, with every effect apart.

A checkpoint is a generator that stops after each effect, so that whoever drives it can crash the
lane, or let others go first, between any two of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from streams.agents import CORE_LANES
from streams.replay.memory_log import MemoryRecord
from streams.runtime.checkpoint import OffsetLabel, no_label
from streams.runtime.lane import LaneSpec
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects, OffsetRange, TopicPartition
from streams.stages.factory import StageConstructor
from streams.stages.separate.guard import GuardedStage
from tests.simulation.topology.log import GROUP, Log

WAITS_FOR_SNAPSHOT = "waits for a snapshot"
WAITS_FOR_COMMIT = "waits for its commit"
LaneId = tuple[str, int]
SPEC_OF: dict[str, LaneSpec] = {spec.stage: spec for spec in CORE_LANES}


class Disk(MemoryStore):
    """A lane's cache of its changelog on one machine; it outlives the lane, or does not."""

    def __init__(self) -> None:
        super().__init__(stored_expiry)

    def copy(self) -> Disk:
        twin = Disk()
        twin.apply(dict(self.entries()), self.position)
        return twin


class Polling(NamedTuple):
    """How much a lane takes at once."""

    records_max: int
    chunk_max: int  # records of one partition before the next has its turn


class Checkpoint:
    """What one lane has decided, until its worker has committed it."""

    __slots__ = ("changelog", "changelog_end", "effects", "is_committed", "label")

    def __init__(self, effects: Effects, changelog: TopicPartition | None) -> None:
        self.effects = effects
        self.changelog = changelog
        self.changelog_end: int | None = None
        self.label: OffsetLabel = no_label
        self.is_committed = False


class Lane:
    """Owns its stage object and its disk until it is closed or dropped."""

    def __init__(self, key: LaneId, log: Log, partitions: int, create: StageConstructor) -> None:
        stage, p = key
        spec = SPEC_OF[stage]
        self.key = key
        self._log = log
        self._tps: list[TopicPartition] = spec.partitions(p)
        self._changelog = (spec.changelog, p) if spec.changelog is not None else None
        self._reading: dict[TopicPartition, int] = {}
        self.disk = Disk()
        self._stage = GuardedStage(
            partial(create, stage, p, partitions), lambda: self.disk.entries(), p, StageObserver()
        )
        self.snapshots_late = 0
        """For how many checkpoints a snapshot that is needed is not there yet."""
        self._held: list[MemoryRecord] = []

    def open(self, disk: Disk) -> None:
        """Read where the previous owner stopped; the worker has fenced it before."""
        committed = self._log.positions[GROUP]
        self._reading = {tp: committed.get(tp, 0) for tp in self._tps}
        self.disk = disk
        if self._changelog is not None:
            end = self._log.end(self._changelog)
            records, _ = self._log.read(self._changelog, disk.position, end)
            disk.apply({record.key or b"": record.value for record in records}, end)
        self._stage.restore(disk.entries())

    @property
    def behind(self) -> bool:
        """Whether there may be something to read."""
        end = self._log.end
        if self._held or self._missing():
            return True
        return any(end(tp) > position for tp, position in self._reading.items())

    def checkpoint(
        self, chance: random.Random, polling: Polling, commit: Callable[[Checkpoint], None]
    ) -> Iterator[str]:
        """Decide one batch, hand it over to be committed, and wait until it is."""
        records = self._held or self._next(chance, polling)
        if not records and not self._missing():
            return
        self._held = []
        if self._stage.snapshots_needed(records) and self.snapshots_late:
            self.snapshots_late -= 1
            self._held = records
            yield WAITS_FOR_SNAPSHOT
            return
        effects = self._stage.decide(records, self.disk)
        yield "decided"
        if not effects.positions:
            assert not effects.messages, "messages without a position"
            assert not effects.changes, "changes without a position"
            return
        checkpoint = Checkpoint(effects, self._changelog)
        commit(checkpoint)
        while not checkpoint.is_committed:
            yield WAITS_FOR_COMMIT
        if effects.changes:
            self.disk.apply(effects.changes, checkpoint.changelog_end or 0)
        yield "applied"

    def _next(self, chance: random.Random, polling: Polling) -> list[MemoryRecord]:
        return self._reread() if self._missing() else self._poll(chance, polling)

    def _missing(self) -> OffsetRange | None:
        return self._stage.missing()

    def _reread(self) -> list[MemoryRecord]:
        stretch = self._missing()
        assert stretch is not None
        found, _ = self._log.read(stretch.tp, stretch.first, 3)
        return [record for record in found if record.offset < stretch.end]

    def _poll(self, chance: random.Random, polling: Polling) -> list[MemoryRecord]:
        """Chunks of the partitions in any order; each partition in its own order."""
        polled: list[MemoryRecord] = []
        tps = [tp for tp in self._tps if self._log.end(tp) > self._reading[tp]]
        while tps and len(polled) < polling.records_max:
            tp = tps[chance.randrange(len(tps))] if len(tps) > 1 else tps[0]
            room = min(polling.chunk_max, polling.records_max - len(polled))
            found, self._reading[tp] = self._log.read(tp, self._reading[tp], room)
            polled += found
            if len(found) < room:
                tps.remove(tp)
        return polled
