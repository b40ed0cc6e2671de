"""All worlds and disturbances asked for, each replayed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from schemas.time import DAY_MS
from streams.lab.evaluation.payer.judged_predictions import D7, D30, Judged, judged
from streams.lab.evaluation.payer.payer_models import Contestants
from streams.lab.evaluation.payer.payer_replay import Replay
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    DAYS,
    DISTURBANCES,
    KEPT_WORLDS,
    WORLDS,
    make_world,
)
from streams.lab.simulator.scenario import START_MS
from streams.progress import Progress

_INSTALLS = 60_000
"""In 60 days; enough for 100,000 predictions after the fortieth."""

_END_MS = START_MS + (DAYS + 7) * DAY_MS
"""The last install reaches its last landmark."""


@dataclass(frozen=True, slots=True)
class PayingPlan:
    """What to replay. No names: all worlds but those kept for final figures; all disturbances."""

    seed: int = 1
    installs: int = _INSTALLS
    worlds: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    is_final: bool = False
    """With the worlds kept for final figures."""
    has_river: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """What was predicted in one world from the day on which its disturbance begins."""

    world: str
    disturbance: str
    d7: Judged
    d30: Judged
    is_own: bool = False
    """A history of one's own: what came true stands in the place of the true chances."""


def replay_all(plan: PayingPlan, advance: Progress) -> Iterator[Run]:
    """World by world. What comes before the disturbances is learned once for all of them."""
    worlds = plan.worlds or (*WORLDS, *(KEPT_WORLDS if plan.is_final else ()))
    disturbances = plan.disturbances or tuple(DISTURBANCES)
    for name in worlds:
        steady = make_world(name, "steady", plan.seed, plan.installs)
        contestants = Contestants() if plan.has_river else Contestants(river=None)
        before = Replay.of_world(steady, plan.seed, contestants)
        before.run(BEGIN_MS, _hours(advance, f"{name}: getting to know it", START_MS, BEGIN_MS))
        for disturbance in disturbances:
            world = make_world(name, disturbance, plan.seed, plan.installs)
            replay = before.fork(world, plan.seed)
            replay.run(_END_MS, _hours(advance, f"{name}: {disturbance}", BEGIN_MS, _END_MS))
            made = replay.predictions()
            yield Run(name, disturbance, judged(world, made, D7), judged(world, made, D30))


def _hours(advance: Progress, step: str, begin: int, end: int) -> Callable[[int], None]:
    days = (end - begin) // DAY_MS
    return lambda now: advance(f"{step}, days of log time", (now - begin) // DAY_MS, days)
