"""Core workers: what each does in a generation of the group, step by step.

Whoever drives one can let others go first, crash it, or put it to sleep between any two steps.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from functools import partial

from streams.runtime.transactions.ownership import (
    claims_of,
    successions,
    taking_over,
    unread_of,
)
from streams.runtime.transactions.stage_logs import log_of
from streams.stages.factory import StageConstructor
from tests.simulation.topology.committer import Committer
from tests.simulation.topology.lane import (
    SPEC_OF,
    WAITS_FOR_COMMIT,
    WAITS_FOR_SNAPSHOT,
    Disk,
    Lane,
    LaneId,
    Polling,
)
from tests.simulation.topology.log import FencedError, Log, OutdatedError

Open = Callable[["Worker", LaneId], Lane]
Disks = dict[LaneId, list[Disk]]


class Build(Enum):
    """Which producers commit for a worker."""

    BY_LANE = "one for each lane"
    """And labels that name nobody: a worker that does not fence those of later builds."""
    BY_WORKER = "one for all lanes"
    BY_LOG = "one for those that decide, and one for learning"
    BY_STAGE = "one for each stage"
    """As a build may have it that shares them otherwise."""


class Worker:
    """One process. Its stage objects share scorers; the disks of its machine outlive it."""

    def __init__(self, log: Log, create: StageConstructor, name: str, disks: Disks) -> None:
        self.create = create
        self.name = name
        self.build = Build.BY_LOG
        self.disks = disks
        self.lanes: dict[LaneId, Lane] = {}
        self.paused: dict[LaneId, Iterator[str]] = {}
        self.met: Counter[str] = Counter()
        self._log = log
        self._committers: dict[LaneId, Committer] = {}
        self._taking: Iterator[str] = iter(())
        self._attempt: Callable[[], Iterator[str]] = lambda: iter(())
        self._attempts = 0
        self.is_taking = False

    @property
    def is_old(self) -> bool:
        """Whether its labels name nobody, and it reads none."""
        return self.build is Build.BY_LANE

    def disk(self, key: LaneId, chance: random.Random) -> Disk:
        """What the machine still has: usually the latest, at times an older state, or nothing."""
        known = self.disks.get(key, [])
        kind = chance.random()
        if not known or kind < 0.2:
            return Disk()
        return (known[-1] if kind < 0.7 else chance.choice(known)).copy()

    def revoked(self, chance: random.Random, *, finishes: bool = False) -> None:
        """Finish the checkpoints under way or give them up, and decide no more."""
        self.is_taking = False
        for key in list(self.paused):
            try:
                if finishes or chance.random() < 0.5:
                    self.finish(key)
            except FencedError:
                pass
            if key in self.paused:
                self.close(key)

    def close(self, key: LaneId) -> None:
        """Its checkpoint may be in a transaction that goes on."""
        self.paused.pop(key, None)
        lane = self.lanes.pop(key, None)
        if lane is not None:
            self.disks.setdefault(key, []).append(lane.disk.copy())

    def assigned(self, keys: Collection[LaneId], generation: int, open_lane: Open) -> None:
        """Keep the lanes that stay, and begin to take over what is assigned."""
        for key in set(self.lanes).difference(keys):
            self.close(key)
        self._attempt = partial(self._take, keys, generation, open_lane)
        self._taking = self._attempt()
        self.is_taking = True

    def take(self, steps: int = 10_000) -> None:
        """Go on with the take-over; OutdatedError when the group has gone on without it."""
        while self.is_taking and steps > 0:
            steps -= 1
            effect = next(self._taking, "")
            self.is_taking = bool(effect)
            self.met[f"take-over: {effect}"] += bool(effect)

    def take_again(self) -> None:
        """Kafka fails the take-over on its way: all of it begins anew, with other producers."""
        self.met["take-over: again"] += 1
        self._taking = self._attempt()

    def advance(self, key: LaneId, chance: random.Random, polling: Polling, effects: int) -> None:
        """Go on with a checkpoint that was interrupted, or begin one, for so many effects."""
        checkpoint = self.paused.pop(key, None) or self._begin(key, chance, polling)
        self.paused[key] = checkpoint
        for effect in checkpoint:
            self.met[f"effect: {effect}"] += 1
            if effect is WAITS_FOR_COMMIT and effects > 0:
                self.met[f"effect: {self._step(key)}"] += 1
            effects -= 1
            if effects < 0:
                return
        del self.paused[key]

    def finish(self, key: LaneId) -> None:
        """Whatever it still has to do; FencedError when another worker has taken the lane over."""
        for effect in self.paused.get(key, ()):
            if effect is WAITS_FOR_COMMIT:
                self._step(key)
        self.paused.pop(key, None)

    def decides(self, key: LaneId, chance: random.Random) -> bool:
        """Whether a new checkpoint of this lane gets as far as a decision, and is committed."""
        effects = 0
        for effect in self._begin(key, chance, Polling(5, 5)):
            effects += effect != WAITS_FOR_SNAPSHOT
            if effect is WAITS_FOR_COMMIT:
                self._step(key)
        return effects > 0

    def _begin(self, key: LaneId, chance: random.Random, polling: Polling) -> Iterator[str]:
        commit = self._committers[key].commit
        return self.lanes[key].checkpoint(chance, polling, commit)

    def _step(self, key: LaneId) -> str:
        return self._committers[key].step()

    def _take(self, keys: Collection[LaneId], generation: int, open_lane: Open) -> Iterator[str]:
        self._committers = {}
        if self.is_old:
            for key in keys:
                self._committers[key] = Committer(self._log, lane_id(key), is_named=False)
                yield "opened a lane"
        else:
            yield from self._own(keys, generation)
        for key in keys:
            if key not in self.lanes:
                self.lanes[key] = open_lane(self, key)

    def _own(self, keys: Collection[LaneId], generation: int) -> Iterator[str]:
        """No producer commits before all lanes are claimed."""
        log = self._log
        committers: dict[str, Committer] = {}
        self._attempts += 1
        for name in dict.fromkeys(self._log_of(stage) for stage, _ in keys):
            committers[name] = Committer(log, f"{self.name}-{self._attempts}-{name}", is_named=True)
            yield "opened"
        owners = {stage: committers[self._log_of(stage)].name for stage, _ in keys}
        yield from self._claim(keys, owners, generation)
        self._committers = {key: committers[self._log_of(key[0])] for key in keys}

    def _log_of(self, stage: str) -> str:
        if self.build is Build.BY_LOG:
            return log_of(stage)
        return stage if self.build is Build.BY_STAGE else ""

    def _claim(
        self, keys: Collection[LaneId], owners: Mapping[str, str], generation: int
    ) -> Iterator[str]:
        log = self._log
        lanes = {key: SPEC_OF[key[0]].partitions(key[1]) for key in keys}
        inputs = successions(lanes, owners)
        rounds = taking_over(inputs)
        wanted = next(rounds)
        while True:
            for former in sorted(wanted.fence):
                log.open(former)
                yield "fenced"
            found = log.labelled(inputs, must_be_settled=wanted.must_be_settled)
            yield "read"
            try:
                wanted = rounds.send(found)
            except StopIteration:
                break
        first = dict.fromkeys(unread_of(inputs, found), 0)
        log.claim(claims_of(found, first, inputs), generation)
        yield "claimed"


class Zombie:
    """A worker that does not know yet that the group has gone on without it."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def wake(self, chance: random.Random, *, is_fenced: bool) -> None:
        """Whatever it still tries, nothing of it may become visible once it `is_fenced`."""
        worker = self.worker
        if worker.is_old and worker.is_taking:
            return  # That build claims nothing: it must not sleep here beside workers of this one.
        try:
            worker.take()
        except (FencedError, OutdatedError):
            return
        for key in list(worker.paused):
            with contextlib.suppress(FencedError):
                worker.finish(key)
        # It had committed before it was fenced; the next checkpoint is the one that must fail, on
        # every lane: each of its producers has to be fenced.
        for key, lane in worker.lanes.items():
            if lane.behind and key[0] != "learning" and key not in worker.paused:
                with contextlib.suppress(FencedError):
                    has_decided = worker.decides(key, chance)
                    assert not (has_decided and is_fenced), f"a fenced owner of {key} committed"


def lane_id(key: LaneId) -> str:
    """The transactional id that a lane had in builds whose labels name no owner."""
    return f"headwater-{key[0]}-{key[1]}"
