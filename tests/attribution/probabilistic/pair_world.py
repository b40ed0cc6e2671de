"""Touchpoints and installs that share traits instead of ids."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec.structs import replace

from attribution.probabilistic.pair_fit import KnownMatch
from schemas.records import Installed, Touch
from tests.worlds.records import click, installed

HOME = ["ip-1", "net-1", "15", "agent-1", "DE"]
NEIGHBOUR = ["ip-2", "net-1", "15", "agent-2", "DE"]
STRANGER = ["ip-9", "net-9", "14", "agent-9", "US"]
NOBODY = ["", "", "", "", ""]


def touch(event_id: str, traits: Sequence[str], minutes: float = -5) -> Touch:
    return replace(click(event_id, minutes), traits=list(traits))


def install(traits: Sequence[str] = HOME) -> Installed:
    return replace(installed(0), traits=list(traits))


def drawn_history(rng: random.Random, candidates: int, organic_share: float) -> KnownMatch:
    """An install behind an address that others use too; who is who is known.

    A true click agrees in the user agent nine times of ten and is minutes old; any other click
    agrees once in five times and is hours old.
    """
    truth = None if rng.random() < organic_share else rng.randrange(candidates)
    touches = []
    for number in range(candidates):
        is_true = number == truth
        agent = "agent-1" if rng.random() < (0.9 if is_true else 0.2) else f"agent-{number + 2}"
        minutes = rng.expovariate(1 / 10) if is_true else rng.uniform(0, 360)
        traits = ["ip-1", "net-1", "15", agent, "DE"]
        touches.append(touch(f"t{number}", traits, -minutes))
    return KnownMatch(install(), touches, touches[truth].touch_id if truth is not None else "")
