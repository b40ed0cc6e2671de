"""Which paying worlds to evaluate a model on, and the order in which they are replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from schemas.time import DAY_MS
from streams.lab.evaluation.replay.event_time_replay import EventTimeReplay, log_days
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
"""When the last install has reached its last landmark."""

WorldT = TypeVar("WorldT")
ReplayT = TypeVar("ReplayT", bound=EventTimeReplay[Any])


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """What to replay. Without names: all worlds that are not held out, and all disturbances."""

    installs: int  # of each world, in sixty days
    seed: int = 1
    worlds: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    is_final: bool = False
    """Also replay the worlds that are held out for final figures."""

    @property
    def world_names(self) -> tuple[str, ...]:
        return self.worlds or (*PAYING_WORLDS, *(HELD_OUT_WORLDS if self.is_final else ()))

    @property
    def disturbance_names(self) -> tuple[str, ...]:
        return self.disturbances or tuple(DISTURBANCES)


def replay_worlds(
    plan: WorldPlan,
    make_world: Callable[[str, str], WorldT],
    replay_of: Callable[[WorldT, ReplayT | None], ReplayT],
    advance: Progress,
) -> Iterator[tuple[str, str, WorldT, ReplayT]]:
    """World and disturbance by name, the disturbed world, and its finished replay.

    `make_world(world, disturbance)` simulates. `replay_of(world, before)` starts a replay, or
    continues `before` in a world that was the same until now: forty days without disturbance are
    learned once for all disturbances of a world, and figures are of what is predicted after them.
    """
    for name in plan.world_names:
        steady = make_world(name, "steady")
        before = replay_of(steady, None)
        before.run(BEGIN_MS, log_days(advance, f"{name}: before changes", START_MS, BEGIN_MS))
        for disturbance in plan.disturbance_names:
            world = steady if disturbance == "steady" else make_world(name, disturbance)
            replay = replay_of(world, before)
            replay.run(END_MS, log_days(advance, f"{name}: {disturbance}", BEGIN_MS, END_MS))
            yield name, disturbance, world, replay
