"""Runs a scenario through all lanes and storing, undisturbed or with everything that can fail."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from schemas import topics
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from tests.simulation.scenarios.scenario import Scenario
from tests.simulation.topology.lane import SPEC_OF, Lane, LaneId, Polling
from tests.simulation.topology.log import Log
from tests.simulation.topology.machines import Worker, Zombie
from tests.simulation.topology.storing_worker import Storing, Warehouse

WORKERS = 2
STEPS_MAX = 20_000
EXAMPLES = (topics.EXAMPLES.name, 0)
LEARNING = ("journeys", "learning")


def lane_ids(partitions: int) -> list[LaneId]:
    return [
        (stage, p)
        for stage, spec in SPEC_OF.items()
        for p in range(1 if spec.single_partition else partitions)
    ]


class Topology:
    """All lanes over one log, and storing behind them. Without `observer`, no bound may be hit."""

    def __init__(
        self,
        scenario: Scenario,
        rules: StageRules,
        seed: int,
        observer: StageObserver | None = None,
    ) -> None:
        self.scenario = scenario
        self.chance = random.Random(f"schedule {seed}")
        self.lateness = random.Random(f"late {seed}")
        self.is_disturbed = False
        self.met: Counter[str] = Counter()
        """What went wrong, and how often."""
        self.log = Log()
        self.warehouse = Warehouse(self.chance)
        self.storing = Storing(self.log, self.warehouse, scenario.partitions)
        self.workers = [Worker(rules, self.log, observer) for _ in range(WORKERS)]
        self.lanes: dict[LaneId, Lane] = {}
        self.homes: dict[LaneId, Worker] = {}
        self.paused: dict[LaneId, Iterator[str]] = {}
        self.zombies: list[Zombie] = []
        self.ids = lane_ids(scenario.partitions)
        self.waves = scenario.waves() if self.chance.random() < 0.7 else [scenario.sources]
        self._produce()
        for key in self.ids:
            self._open(key, self.workers[key[1] % WORKERS])

    def run_undisturbed(self) -> None:
        """Large batches, one lane after the other; all is read before producers go on."""
        while self._turn(Polling(500, 100)) or self._produce():
            pass

    def run_disturbed(self, faults: int) -> None:
        """Small and large batches in any order, with `faults` things going wrong on the way."""
        chance = self.chance
        self.is_disturbed = True
        pace = [chance.choice((1, 1, 3, 10)) for _ in self.ids]
        often = max(1, len(self.ids) * 12 // max(faults, 1))
        late = faults // 2  # The last ones hit those who learn, which begins late.
        for _ in range(STEPS_MAX):
            if faults and chance.randrange(often) == 0 and (faults > late or self._learns()):
                faults -= 1
                self._fault(LEARNING if faults < late else tuple(SPEC_OF))
            key = chance.choices(self.ids, pace)[0]
            self._advance(key)
            if chance.random() < 0.1:
                self.storing.step(chance)
            if chance.random() < 0.05 and self._is_settled() and not self._produce() and not faults:
                break
            if chance.random() < 0.01:
                self._produce()
        else:
            raise AssertionError(f"does not come to rest within {STEPS_MAX} steps")
        for zombie in self.zombies:
            zombie.wake(chance)
        self.storing.recover()
        while self._turn(Polling(40, 20)) or self._produce():
            pass

    def _produce(self) -> bool:
        """Let producers write until the end of the next wave; False when they have ended."""
        if not self.waves:
            return False
        for tp, messages in self.waves.pop(0).items():
            self.log.write(tp, messages)
        return True

    def _turn(self, polling: Polling) -> bool:
        """Let every lane and storing have all they can; whether anything happened."""
        moved = False
        for key in self.ids:
            for _ in self.paused.pop(key, ()):
                moved = True
            lane = self.lanes[key]
            while lane.behind:
                moved = True
                for _ in lane.checkpoint(self.chance, polling):
                    pass
        return self.storing.drain() or moved

    def _advance(self, key: LaneId) -> None:
        """Go on with a checkpoint that was interrupted, or begin one and perhaps interrupt it."""
        chance = self.chance
        checkpoint = self.paused.pop(key, None)
        if checkpoint is None:
            lane = self.lanes[key]
            if not lane.behind:
                return
            polling = Polling(chance.choice((1, 3, 10, 40)), chance.choice((1, 2, 20)))
            checkpoint = lane.checkpoint(chance, polling)
        effects = 99 if chance.random() < 0.7 else chance.randrange(6)
        for effect in checkpoint:
            self.met[f"effect: {effect}"] += 1
            effects -= 1
            if effects < 0:
                self.paused[key] = checkpoint
                return

    def _learns(self) -> bool:
        return self.log.end(EXAMPLES) > 0 or (not self.waves and self._is_settled())

    def _fault(self, stages: tuple[str, ...]) -> None:
        chance = self.chance
        key = chance.choice([key for key in self.ids if key[0] in stages])
        kind = chance.random()
        if kind < 0.3:
            self.met["fault: lane"] += 1
            self._crash_lane(key)
        elif kind < 0.5:
            self.met["fault: worker"] += 1
            self._crash_worker(chance.choice(self.workers))
        elif kind < 0.7:
            self.met["fault: rebalance"] += 1
            self._rebalance()
        elif kind < 0.85:
            self.met["fault: zombie"] += 1
            self._make_zombie(key)
        else:
            self.met["fault: storing"] += 1
            self.storing.fault(chance)
        if self.zombies and chance.random() < 0.5:
            self.zombies.pop().wake(chance)

    def _crash_lane(self, key: LaneId) -> None:
        """Its checkpoint stops between two effects, and the lane is built anew."""
        self.paused.pop(key, None)
        self._leave(key)
        self._open(key, self.homes[key])

    def _crash_worker(self, worker: Worker) -> None:
        worker.restart()
        for key in self.ids:
            if self.homes[key] is worker:
                self._crash_lane(key)

    def _rebalance(self) -> None:
        """Lanes move; checkpoints that are under way are finished or abandoned."""
        for key in self.ids:
            if self.chance.random() < 0.5:
                continue
            checkpoint = self.paused.pop(key, None)
            if checkpoint is not None and self.chance.random() < 0.5:
                for _ in checkpoint:
                    pass
            self._leave(key)
            self._open(key, self.chance.choice(self.workers))

    def _make_zombie(self, key: LaneId) -> None:
        """The owner falls asleep in the middle of a checkpoint; another worker takes over."""
        lane, sleeper = self.lanes[key], self.homes[key]
        checkpoint = self.paused.pop(key, None) or lane.checkpoint(self.chance, Polling(10, 3))
        for _ in range(self.chance.randrange(4)):
            next(checkpoint, None)
        self.zombies.append(Zombie(lane, checkpoint))
        self._leave(key)
        self._open(key, next(worker for worker in self.workers if worker is not sleeper))

    def _leave(self, key: LaneId) -> None:
        self.homes[key].keep(key, self.lanes[key].disk)

    def _open(self, key: LaneId, worker: Worker) -> None:
        lane = Lane(key, self.log, self.scenario.partitions, worker.create)
        lane.open(worker.disk(key, self.chance))
        if self.is_disturbed and self.scenario.troubles:
            lane.snapshots_late = self.lateness.choice((0, 1, 5, 40))
        self.lanes[key] = lane
        self.homes[key] = worker

    def _is_settled(self) -> bool:
        return not self.paused and not any(lane.behind for lane in self.lanes.values())
