"""Every world and disturbance asked for, replayed once by all payer models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.lab.evaluation.payer.judged_predictions import (
    D7,
    D30,
    JudgedPredictions,
    judge_predictions,
)
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerReplay
from streams.lab.evaluation.replay.world_plan import WorldPlan, replay_worlds
from streams.lab.simulator.paying_worlds import PayingWorld, make_paying_world
from streams.progress import Progress


@dataclass(frozen=True, slots=True)
class PayerRun:
    """The judged predictions of one world, from the day on which its disturbance begins."""

    world: str
    disturbance: str
    d7: JudgedPredictions
    d30: JudgedPredictions
    is_own: bool = False
    """A recorded history: what came true stands in for the true chances."""


def replay_payer_worlds(
    plan: WorldPlan, advance: Progress, *, has_river: bool
) -> Iterator[PayerRun]:
    """World by world. Without River's challengers it takes a fraction of the time."""

    def make_world(name: str, disturbance: str) -> PayingWorld:
        return make_paying_world(name, disturbance, plan.seed, plan.installs)

    def replay_of(world: PayingWorld, before: PayerReplay | None) -> PayerReplay:
        if before is not None:
            return before.fork(world, plan.seed)
        models = PayerModels() if has_river else PayerModels(river=None)
        return PayerReplay.of_world(world, plan.seed, models)

    for name, disturbance, world, replay in replay_worlds(plan, make_world, replay_of, advance):
        predictions = replay.predictions()
        yield PayerRun(
            world=name,
            disturbance=disturbance,
            d7=judge_predictions(world, predictions, D7),
            d30=judge_predictions(world, predictions, D30),
        )
