"""Which faults hit which process and when: drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

CORES = ("core-1", "core-2")
STORING = "storing"
LEARNING = "learning"
"""A worker that no plan starts: tests add one to a fleet."""
DISK_LOSS_SHARE = 0.2  # of the kills of core workers
SHARE_FIRST, SHARE_LAST = 0.02, 0.99
"""Of the traffic: while workers still start there is nothing to kill."""


class FaultKind(Enum):
    KILL = "kills"  # SIGKILL of a core worker
    STOP = "stops"  # SIGSTOP for longer than the session lasts, then SIGCONT
    BROKER_KILL = "broker_kills"
    STORING_KILL = "storing_kills"


@dataclass(frozen=True, slots=True)
class FaultCounts:
    """How often each kind is injected."""

    kills: int
    stops: int
    broker_kills: int
    storing_kills: int

    @property
    def total(self) -> int:
        return self.kills + self.stops + self.broker_kills + self.storing_kills

    def kinds(self) -> list[FaultKind]:
        return [kind for kind in FaultKind for _ in range(getattr(self, kind.value))]


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """How much traffic, and which faults while it flows."""

    events: int
    counts: FaultCounts
    gap_seconds: float  # between two faults, on average
    seed: int


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    target: str  # name of a worker; empty for the broker
    share: float  # of the messages that are in the log by then
    delay_seconds: float  # after that
    seconds: float = 0.0  # how long a STOP lasts
    loses_disk: bool = False  # the state of a killed core worker goes with it


def draw_plan(counts: FaultCounts, seed: int, session_seconds: float) -> list[Fault]:
    """All faults in random order, one in each equal stretch of the traffic."""
    draw = random.Random(seed)
    kinds = counts.kinds()
    draw.shuffle(kinds)
    step = (SHARE_LAST - SHARE_FIRST) / max(1, len(kinds))
    return [
        _fault(draw, kind, SHARE_FIRST + step * (number + draw.random()), session_seconds)
        for number, kind in enumerate(kinds)
    ]


def _fault(draw: random.Random, kind: FaultKind, share: float, session_seconds: float) -> Fault:
    targets = {
        FaultKind.KILL: CORES,
        FaultKind.STOP: (*CORES, STORING),
        FaultKind.BROKER_KILL: ("",),
        FaultKind.STORING_KILL: (STORING,),
    }
    target = draw.choice(targets[kind])
    seconds = session_seconds * draw.uniform(1.3, 2.0) if kind is FaultKind.STOP else 0.0
    loses_disk = kind is FaultKind.KILL and draw.random() < DISK_LOSS_SHARE
    return Fault(kind, target, share, draw.random(), seconds, loses_disk)
