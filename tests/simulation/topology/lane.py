"""One stage for one partition number, as `runtime.lane.Lane` runs it, with every effect apart.

A checkpoint is a generator that stops after each effect, so that whoever drives it can crash the
lane, or let others go first, between any two of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from streams.agents import CORE_LANES
from streams.replay.memory_log import MemoryRecord
from streams.runtime.lane import LaneSpec
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.working_set import stored_expiry
from streams.stages.contract import Effects, Message, OffsetRange, TopicPartition
from streams.stages.factory import StageConstructor
from streams.stages.separate.guard import GuardedStage
from tests.simulation.topology.log import Log

GROUP = "core"
WAITS_FOR_SNAPSHOT = "waits for a snapshot"
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


class Lane:
    """Owns its stage object, its disk and its producer until it is closed or dropped."""

    def __init__(self, key: LaneId, log: Log, partitions: int, create: StageConstructor) -> None:
        stage, p = key
        spec = SPEC_OF[stage]
        self.key = key
        self._log = log
        self._producer = f"headwater-{stage}-{p}"
        self._tps: list[TopicPartition] = spec.partitions(p)
        self._changelog = (spec.changelog, p) if spec.changelog is not None else None
        self._epoch = 0
        self._reading: dict[TopicPartition, int] = {}
        self.disk = Disk()
        self._stage = GuardedStage(
            partial(create, stage, p, partitions), lambda: self.disk.entries(), p, StageObserver()
        )
        self.snapshots_late = 0
        """For how many checkpoints a snapshot that is needed is not there yet."""
        self._held: list[MemoryRecord] = []

    def open(self, disk: Disk) -> None:
        """Fence the previous owner, and only then read where it stopped."""
        self._epoch = self._log.open(self._producer)
        committed = self._log.positions.get(GROUP, {})
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

    def checkpoint(self, chance: random.Random, polling: Polling) -> Iterator[str]:
        """Decide one batch and make it durable; FencedError when somebody else has the lane."""
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
        transaction = self._log.begin(self._producer, self._epoch)
        changelog_end = 0
        for tp, messages in self._outgoing(effects).items():
            end = self._log.append(transaction, tp, messages)
            if tp == self._changelog:
                changelog_end = end
            yield "appended"
        self._log.commit(transaction, GROUP, effects.positions)
        yield "committed"
        if effects.changes:
            self.disk.apply(effects.changes, changelog_end)
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

    def _outgoing(self, effects: Effects) -> Mapping[TopicPartition, Sequence[Message]]:
        outgoing: dict[TopicPartition, Sequence[Message]] = dict(effects.messages)
        if effects.changes and self._changelog is not None:
            outgoing[self._changelog] = [Message(k, v) for k, v in effects.changes.items()]
        return outgoing

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
