"""All worlds and disturbances asked for, each replayed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from schemas.time import DAY_MS
from streams.lab.evaluation.payer.judged_predictions import (
    D7,
    D30,
    JudgedPredictions,
    judge_predictions,
)
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerReplay
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    DISTURBANCES,
    HELD_OUT_WORLDS,
    INSTALL_DAYS,
    PAYING_WORLDS,
    make_paying_world,
)
from streams.lab.simulator.scenario import START_MS
from streams.progress import Progress

_INSTALLS = 60_000
"""In 60 days; enough for 100,000 predictions after the fortieth."""

_END_MS = START_MS + (INSTALL_DAYS + 7) * DAY_MS
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
class PayerRun:
    """What was predicted in one world from the day on which its disturbance begins."""

    world: str
    disturbance: str
    d7: JudgedPredictions
    d30: JudgedPredictions
    is_own: bool = False
    """A history of one's own: what came true stands in the place of the true chances."""


def replay_payer_worlds(plan: PayingPlan, advance: Progress) -> Iterator[PayerRun]:
    """World by world. What comes before the disturbances is learned once for all of them."""
    worlds = plan.worlds or (*PAYING_WORLDS, *(HELD_OUT_WORLDS if plan.is_final else ()))
    disturbances = plan.disturbances or tuple(DISTURBANCES)
    for name in worlds:
        steady = make_paying_world(name, "steady", plan.seed, plan.installs)
        contestants = PayerModels() if plan.has_river else PayerModels(river=None)
        before = PayerReplay.of_world(steady, plan.seed, contestants)
        before.run(BEGIN_MS, _hours(advance, f"{name}: getting to know it", START_MS, BEGIN_MS))
        for disturbance in disturbances:
            world = make_paying_world(name, disturbance, plan.seed, plan.installs)
            replay = before.fork(world, plan.seed)
            replay.run(_END_MS, _hours(advance, f"{name}: {disturbance}", BEGIN_MS, _END_MS))
            made = replay.predictions()
            yield PayerRun(
                name,
                disturbance,
                judge_predictions(world, made, D7),
                judge_predictions(world, made, D30),
            )


def _hours(advance: Progress, step: str, begin: int, end: int) -> Callable[[int], None]:
    days = (end - begin) // DAY_MS
    return lambda now: advance(f"{step}, days of log time", (now - begin) // DAY_MS, days)
