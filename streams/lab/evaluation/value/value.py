"""How well it is known what installs will be worth, in worlds whose true worth is known.

People install for sixty days in worlds none of which is of the model's own kind; what is logged is
replayed in order of time, and the model predicts at every landmark with what it had learned by
then. The first forty days are for getting to know the world. From then on something may be
different, and figures are of the predictions made from then on. No install turns ninety days old
before the last prediction: day 90 is told by the growth of cohorts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from online_models.value.model import ValueModel
from schemas.time import DAY_MS
from streams.lab.evaluation.value.figures import rounded, value_world_figures
from streams.lab.evaluation.value.value_replay import ValueReplay
from streams.lab.evaluation.value.value_world import ValueWorld
from streams.lab.simulator.paying_worlds import (
    BEGIN_MS,
    DISTURBANCES,
    HELD_OUT_WORLDS,
    INSTALL_DAYS,
    PAYING_WORLDS,
)
from streams.lab.simulator.scenario import START_MS
from streams.progress import Progress

END_MS = START_MS + (INSTALL_DAYS + 7) * DAY_MS
"""The last install reaches its last landmark."""


@dataclass(frozen=True, slots=True)
class ValuePlan:
    """What to replay. No names: all worlds but those kept for final figures; all disturbances."""

    seed: int = 1
    installs: int = 200_000
    worlds: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    is_final: bool = False
    """With the worlds kept for final figures."""


def evaluate_value(plan: ValuePlan, advance: Progress) -> dict[str, dict[str, Any]]:
    """Figures by world and disturbance. What comes before the disturbances is learned once."""
    found: dict[str, dict[str, Any]] = {}
    for name in plan.worlds or (*PAYING_WORLDS, *(HELD_OUT_WORLDS if plan.is_final else ())):
        steady = ValueWorld(name, "steady", plan.seed, plan.installs)
        before = ValueReplay(steady.history, steady.features, ValueModel())
        before.run(BEGIN_MS, _days(advance, f"{name}: getting to know it", START_MS, BEGIN_MS))
        for disturbance in plan.disturbances or tuple(DISTURBANCES):
            world = steady
            if disturbance != "steady":
                world = ValueWorld(name, disturbance, plan.seed, plan.installs)
            replay = before.fork(world.history, world.features)
            replay.run(END_MS, _days(advance, f"{name}: {disturbance}", BEGIN_MS, END_MS))
            figures = value_world_figures(replay.predictions(), world.spending)
            found.setdefault(name, {})[disturbance] = rounded(figures)
    return found


def _days(advance: Progress, step: str, begin: int, end: int) -> Callable[[int], None]:
    days = (end - begin) // DAY_MS
    return lambda now: advance(f"{step}, days of log time", (now - begin) // DAY_MS, days)
