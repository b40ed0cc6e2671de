"""Simulated people whose installs have known causes, for judging how credit is shared."""

from streams.lab.simulator.credit_worlds.audience import NAMES, ZERO_EFFECT
from streams.lab.simulator.credit_worlds.credit_world import (
    RECEIVERS,
    WORLDS,
    CreditWorld,
    make_world,
    paths,
)

__all__ = ["NAMES", "RECEIVERS", "WORLDS", "ZERO_EFFECT", "CreditWorld", "make_world", "paths"]
