"""How well expected revenue is predicted, in worlds whose true expectations are known.

People install for sixty days in worlds none of which is of the model's own kind. What is logged is
replayed in order of time, and the model predicts at every landmark with what it had learned by
then. The first forty days teach it the world. From then on a disturbance may change it, and figures
are of the predictions made from then on. No install is ninety days old before the last prediction:
the model has to extrapolate day 90 from how cohorts grow.
"""

from __future__ import annotations

from typing import Any

from online_models.value.model import ValueModel
from streams.lab.evaluation.replay.world_plan import WorldPlan, replay_worlds
from streams.lab.evaluation.rounded import rounded
from streams.lab.evaluation.value.figures import value_world_figures
from streams.lab.evaluation.value.value_replay import ValueReplay
from streams.lab.evaluation.value.value_world import ValueWorld
from streams.progress import Progress


def evaluate_value(plan: WorldPlan, advance: Progress) -> dict[str, dict[str, Any]]:
    """Figures by world and disturbance."""

    def make_world(name: str, disturbance: str) -> ValueWorld:
        return ValueWorld(name, disturbance, plan.seed, plan.installs)

    def replay_of(world: ValueWorld, before: ValueReplay | None) -> ValueReplay:
        if before is not None:
            return before.fork(world.payments, world.features)
        return ValueReplay(world.payments, world.features, ValueModel())

    found: dict[str, dict[str, Any]] = {}
    for name, disturbance, world, replay in replay_worlds(plan, make_world, replay_of, advance):
        figures = value_world_figures(replay.predictions(), world.spending)
        found.setdefault(name, {})[disturbance] = rounded(figures)
    return found
