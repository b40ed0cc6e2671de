"""Runs a scenario through all lanes and storing, undisturbed or with everything that can fail."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from schemas import topics
from streams.stages.common.observer import StageObserver
from streams.stages.factory import StageRules
from tests.simulation.scenarios.scenario import Scenario
from tests.simulation.scenarios.trouble import renewed_topics
from tests.simulation.topology.core_worker import Build, Disks, Worker, Zombie
from tests.simulation.topology.lane import SPEC_OF, Lane, LaneId, Polling
from tests.simulation.topology.log import FencedError, Log
from tests.simulation.topology.machines import factory, numbered
from tests.simulation.topology.storing_worker import Storing, Warehouse

WORKERS = 2
STEPS_MAX = 20_000
EFFECTS_MAX = 10_000
MIXED_EVERY = 5
"""In one of so many seeds, workers with a producer for each lane are in the group."""
OTHER_SHARE = 0.3
"""Of the others, so many share producers otherwise: one for all lanes, as the build before, or one
for each stage."""
TAKE_AGAIN_SHARE = 0.05
RENEWED_EVERY = 7
"""In one of so many seeds, source or outcome topics are created anew."""
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
        self.builds = random.Random(f"builds {seed}")
        self.is_disturbed = False
        self.renewal = random.Random(f"renewal {seed}") if seed % RENEWED_EVERY == 3 else None
        self.met: Counter[str] = Counter()
        """What went wrong, and how often."""
        self.log = Log()
        self.warehouse = Warehouse(self.chance)
        self.storing = Storing(self.log, self.warehouse, scenario.partitions)
        self._rules = rules
        self._observer = observer
        self.is_mixed = seed % MIXED_EVERY == 1
        """Whether workers of builds whose labels name nobody are in the group."""
        self.started = 0
        self.workers = [self._start({}, is_old=self.is_mixed and n > 0) for n in range(WORKERS)]
        self.homes: dict[LaneId, Worker] = {}
        self.zombies: list[Zombie] = []
        self.ids = lane_ids(scenario.partitions)
        self.waves = scenario.waves() if self.chance.random() < 0.7 else [scenario.sources]
        self._produce()
        for key in self.ids:
            self.homes[key] = self.workers[key[1] % WORKERS]
        self._regroup()

    @property
    def lanes(self) -> dict[LaneId, Lane]:
        """Of the workers that own them; at rest."""
        return {key: self.homes[key].lanes[key] for key in self.ids}

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
            self._advance(key, EFFECTS_MAX if chance.random() < 0.7 else chance.randrange(8))
            if chance.random() < 0.1:
                self.storing.step(chance)
            if chance.random() < 0.05 and self._is_settled() and not self._produce() and not faults:
                break
            if chance.random() < 0.01:
                self._produce()
            if chance.random() < 0.002:
                self.log.time_out()
        else:
            raise AssertionError(f"does not come to rest within {STEPS_MAX} steps")
        while self.zombies:
            self._wake()
        self.storing.recover()
        while self._turn(Polling(40, 20)) or self._produce():
            pass

    def _produce(self) -> bool:
        """Let producers write until the end of the next wave; False when they have ended."""
        if not self.waves:
            return False
        if self.is_disturbed and self.renewal is not None:
            self._recreate(renewed_topics(self.renewal))
        for tp, messages in self.waves.pop(0).items():
            self.log.write(tp, messages)
        return True

    def _recreate(self, names: Sequence[str]) -> None:
        """Delete topics that are read to their end, and create them anew: workers end."""
        while self.zombies:
            self._wake()
        self.log.time_out()
        self.storing.recover()
        self.storing.drain()
        if not all(self.log.is_read(name) for name in names):
            return
        for name in names:
            self.met[f"created anew: {topics.BY_NAME[name].kind.value} topic"] += self.log.recreate(
                name
            )
        self.storing = Storing(self.log, self.warehouse, self.scenario.partitions)
        for worker in list(self.workers):
            self._replace(worker)
        self._regroup()

    def _turn(self, polling: Polling) -> bool:
        """Let every lane and storing have all they can; whether anything happened."""
        moved = False
        for worker in self.workers:
            worker.take()
        try:
            for key in self.ids:
                worker = self.homes[key]
                while key in worker.paused or worker.lanes[key].behind:
                    moved = True
                    worker.advance(key, self.chance, polling, EFFECTS_MAX)
        except FencedError:
            self._fenced(worker)
            moved = True
        return self.storing.drain() or moved

    def _advance(self, key: LaneId, effects: int = EFFECTS_MAX) -> None:
        """Go on with what the worker of this lane does, for so many effects."""
        chance, worker = self.chance, self.homes[key]
        if worker.is_taking:
            if chance.random() < TAKE_AGAIN_SHARE:
                worker.take_again()
            worker.take(chance.randrange(1, 20))
            return
        if key not in worker.paused and not worker.lanes[key].behind:
            return
        polling = Polling(chance.choice((1, 3, 10, 40)), chance.choice((1, 2, 20)))
        try:
            worker.advance(key, chance, polling, effects)
        except FencedError:
            self._fenced(worker)

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
            self._make_zombie(self.homes[key])
        else:
            self.met["fault: storing"] += 1
            self.storing.fault(chance)
        if self.zombies and chance.random() < 0.5:
            self._wake()

    def _crash_lane(self, key: LaneId) -> None:
        """Its checkpoint stops between two effects, and the lane is built anew."""
        self.homes[key].close(key)
        self._regroup()

    def _crash_worker(self, worker: Worker) -> None:
        """What its broker has taken goes on; all else is gone."""
        self._replace(worker)
        self._regroup()

    def _rebalance(self) -> None:
        """Lanes move; checkpoints that are under way are finished or abandoned."""
        for key in self.ids:
            if self.chance.random() < 0.5:
                self.homes[key] = self.chance.choice(self.workers)
        self._regroup()

    def _make_zombie(self, worker: Worker) -> None:
        """It falls asleep while it takes over or commits; others take over."""
        chance = self.chance
        if chance.random() < 0.4:
            self._regroup()
            worker.take(chance.randrange(40))
        for key, lane in list(worker.lanes.items()):
            if not worker.is_taking and lane.behind and chance.random() < 0.5:
                self._advance(key, chance.randrange(6))
        # Such a build would not fence a new one that sleeps, nor wait for its transaction.
        is_asleep = worker.is_old or not self.is_mixed
        if is_asleep:
            self.zombies.append(Zombie(worker))
        successor = self._replace(worker, is_asleep=is_asleep)
        for key in self.ids:
            if self.homes[key] is successor and self.chance.random() < 0.7:
                self.homes[key] = self.chance.choice(self.workers)
        self._regroup()

    def _wake(self) -> None:
        is_fenced = not any(worker.is_taking for worker in self.workers)
        self.zombies.pop().wake(self.chance, is_fenced=is_fenced)

    def _fenced(self, worker: Worker) -> None:
        """It learns so when it commits, joins the group again, and builds its lanes anew."""
        self.met["fenced while healthy"] += 1
        for key in list(worker.paused):
            worker.close(key)
        self._regroup()

    def _replace(self, worker: Worker, *, is_asleep: bool = False) -> Worker:
        """A new process on the same machine, whose disks it finds."""
        is_old = self.is_mixed and self.chance.random() < 0.5
        disks = {key: list(known) for key, known in worker.disks.items()}
        for key, lane in worker.lanes.items():
            disks.setdefault(key, []).append(lane.disk.copy())
        if self.is_mixed and not is_asleep:
            self.log.time_out()
        successor = self._start(disks, is_old=is_old)
        self.workers[self.workers.index(worker)] = successor
        self.homes = {k: successor if home is worker else home for k, home in self.homes.items()}
        return successor

    def _regroup(self) -> None:
        """A new generation of the group, in which every member takes its lanes over."""
        for worker in self.workers:
            worker.revoked(self.chance, finishes=self.is_mixed and not worker.is_old)
        self.log.generation += 1
        for worker in self.workers:
            keys = [key for key in self.ids if self.homes[key] is worker]
            worker.assigned(keys, self.log.generation, self._open)
            if not (keys and self.is_disturbed):
                worker.take()

    def _start(self, disks: Disks, *, is_old: bool) -> Worker:
        self.started += 1
        create = factory(self._rules, self.log, self._observer)
        create = numbered(create, dict(self.log.numbers))
        worker = Worker(self.log, create, f"worker-{self.started}", disks)
        worker.build, worker.met = self._build(is_old=is_old), self.met
        return worker

    def _build(self, *, is_old: bool) -> Build:
        if is_old:
            return Build.BY_LANE
        others = (Build.BY_WORKER, Build.BY_STAGE)
        return self.builds.choice(others) if self.builds.random() < OTHER_SHARE else Build.BY_LOG

    def _open(self, worker: Worker, key: LaneId) -> Lane:
        lane = Lane(key, self.log, self.scenario.partitions, worker.create)
        lane.open(worker.disk(key, self.chance))
        if self.is_disturbed and self.scenario.troubles:
            lane.snapshots_late = self.lateness.choice((0, 1, 5, 40))
        return lane

    def _is_settled(self) -> bool:
        return not any(worker.is_taking or worker.paused for worker in self.workers) and not any(
            lane.behind for lane in self.lanes.values()
        )
