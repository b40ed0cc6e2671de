"""Simulated people whose installs have known causes, to judge multi-touch attribution by."""

from streams.lab.simulator.credit_worlds.audience import CHANNEL_NAMES, ZERO_EFFECT
from streams.lab.simulator.credit_worlds.credit_world import (
    CREDIT_WORLDS,
    RECEIVERS,
    CreditWorld,
    exposure_paths,
    make_credit_world,
)

__all__ = [
    "CHANNEL_NAMES",
    "CREDIT_WORLDS",
    "RECEIVERS",
    "ZERO_EFFECT",
    "CreditWorld",
    "exposure_paths",
    "make_credit_world",
]
