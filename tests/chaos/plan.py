"""What is done to whom and when: drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

CORES = ("core-1", "core-2")
STORING = "storing"
DISK_LOSS_SHARE = 0.2  # of the kills of core workers
SHARE_FIRST, SHARE_LAST = 0.02, 0.99
"""Of the traffic: while workers still start there is nothing to disturb."""


class Act(Enum):
    KILL = "kills"  # SIGKILL of a core worker
    STOP = "stops"  # SIGSTOP for longer than the session lasts, then SIGCONT
    BROKER_KILL = "broker_kills"
    STORING_KILL = "storing_kills"


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each act is played."""

    kills: int
    stops: int
    broker_kills: int
    storing_kills: int

    @property
    def total(self) -> int:
        return self.kills + self.stops + self.broker_kills + self.storing_kills

    def acts(self) -> list[Act]:
        return [act for act in Act for _ in range(getattr(self, act.value))]


@dataclass(frozen=True, slots=True)
class Disturbance:
    act: Act
    target: str  # name of a worker; empty for the broker
    share: float  # of the messages that are in the log by then
    delay_seconds: float  # after that
    seconds: float = 0.0  # how long a STOP lasts
    loses_disk: bool = False  # the state of a killed core worker goes with it


def draw_plan(counts: Counts, seed: int, session_seconds: float) -> list[Disturbance]:
    """All acts in random order, one in each equal stretch of the traffic."""
    draw = random.Random(seed)
    acts = counts.acts()
    draw.shuffle(acts)
    step = (SHARE_LAST - SHARE_FIRST) / max(1, len(acts))
    return [
        _disturbance(draw, act, SHARE_FIRST + step * (number + draw.random()), session_seconds)
        for number, act in enumerate(acts)
    ]


def _disturbance(
    draw: random.Random, act: Act, share: float, session_seconds: float
) -> Disturbance:
    targets = {
        Act.KILL: CORES,
        Act.STOP: (*CORES, STORING),
        Act.BROKER_KILL: ("",),
        Act.STORING_KILL: (STORING,),
    }
    target = draw.choice(targets[act])
    seconds = session_seconds * draw.uniform(1.3, 2.0) if act is Act.STOP else 0.0
    loses_disk = act is Act.KILL and draw.random() < DISK_LOSS_SHARE
    return Disturbance(act, target, share, draw.random(), seconds, loses_disk)
