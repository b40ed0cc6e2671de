"""Worlds in which everybody's true chance to pay is known, given what can be known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn, generator
from streams.lab.simulator.paying_worlds.disturbances import DISTURBANCES
from streams.lab.simulator.paying_worlds.kinds import diffusion, frailty
from streams.lab.simulator.paying_worlds.kinds.agents import Agents
from streams.lab.simulator.paying_worlds.kinds.fondness import FondnessWorld
from streams.lab.simulator.paying_worlds.kinds.renewal import Renewal
from streams.lab.simulator.paying_worlds.lives import (
    KindOfPeople,
    Lives,
    is_open,
    joined,
    make_season,
)
from streams.lab.simulator.paying_worlds.paying_people import PayingPeople, make_paying_people

PAYING_WORLDS: dict[str, KindOfPeople] = {
    "frailty": FondnessWorld(frailty.frailty_survival),
    "agents": Agents(),
    "renewal": Renewal(),
}
HELD_OUT_WORLDS: dict[str, KindOfPeople] = {
    "diffusion": FondnessWorld(diffusion.diffusion_survival)
}
"""For final figures only: see its module."""

_PART = 4_096
"""Installs that live at a time, to bound memory."""


@dataclass(frozen=True, slots=True)
class PayingWorld:
    """A kind of people under a disturbance: who they are and how they live."""

    name: str
    disturbance: str
    people: PayingPeople
    lives: Lives


def make_paying_world(name: str, disturbance: str, seed: int, installs: int) -> PayingWorld:
    """Equal arguments give equal worlds; and equal ones but for the disturbance, equal worlds up
    to the day on which it begins."""
    people = make_paying_people(name, seed, installs, DISTURBANCES[disturbance])
    season = make_season(people, DISTURBANCES[disturbance])
    world = (PAYING_WORLDS | HELD_OUT_WORLDS)[name]
    parts = []
    for number, first in enumerate(range(0, installs, _PART)):
        which = slice(first, first + _PART)
        rng = generator(seed, f"paying lives {name}", number)
        parts.append(world.live(people.part(which), season.part(which), rng))
    return PayingWorld(name, disturbance, people, _with_bots(people, joined(parts)))


def _with_bots(people: PayingPeople, lives: Lives) -> Lives:
    """Some installs are bots, which open the app once and never pay."""
    share = people.bot_chance[:, None]
    is_quiet = (lives.last_ms == 0) & (np.cumsum(_activity(lives), axis=1) == 0)
    seems = (1.0 - share) * np.exp(np.where(is_quiet, lives.evidence, 0.0))
    person: FloatColumn = np.where(is_quiet, seems / (seems + share), 1.0)
    chance = np.where(is_open(lives.paid_ms)[:, :, None], lives.chance, np.nan)
    return replace(
        lives, chance=chance * person[:, :, None], left_d=lives.left_d * person[:, :, None]
    )


def _activity(lives: Lives) -> IntColumn:
    """Install × landmark: activity since the landmark before."""
    counted = lives.sessions + lives.names.sum(axis=2)
    return np.concatenate([np.zeros((len(counted), 1), np.int64), counted], axis=1)
